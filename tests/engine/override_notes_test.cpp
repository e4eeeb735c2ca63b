// SPDX-License-Identifier: BSD-3-Clause
#include "engine/override_notes.h"

#include <doctest/doctest.h>

#include <string>

using namespace postseal;
using engine::override_notes;
using engine::Overrides;

TEST_CASE("a day that does not end its entry is noted, and the entry counts") {
    const auto overrides =
        Overrides::parse("a.example may # until: 2027-01-31\n"
                         "b.example may # until = 2027-01-31\n"
                         "c.example may # note Until 2027-01-31, they rebuild\n"
                         "d.example may # (until=2027-01-31T12:00Z).\n"
                         "e.example may # until=2027-01-31 and not until 2026-01-31\n"
                         "f.example may # until further notice\n"
                         "g.example may # until 2027-02-30\n"
                         "h.example may # theuntil 2027-01-31\n"
                         "i.example may # until they are done, say until 2027-01-31\n",
                         "f");
    REQUIRE(overrides);
    CHECK(overrides->size() == 9);
    for (const auto& [key, entry] : overrides->entries()) {
        CAPTURE(key);
        CHECK(entry.until.has_value() == (key == "e.example"));
    }
    CHECK(overrides->entries().at("c.example").comment == "note Until 2027-01-31, they rebuild");
    const auto notes = override_notes(*overrides);
    REQUIRE(notes.size() == 5);
    const std::string day =
        " says \"until 2027-01-31\", which is not an end: write until=2027-01-31";
    CHECK(notes[0].message() == "f:1: \"a.example\"" + day);
    CHECK(notes[1].message() == "f:2: \"b.example\"" + day);
    CHECK(notes[2].message() == "f:3: \"c.example\"" + day);
    CHECK(notes[3].message().ends_with(": write until=2027-01-31T12:00Z"));
    CHECK(notes[4].message() == "f:9: \"i.example\"" + day);
}
