// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/policy_notes.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace postseal::mtasts {

TEST_CASE("every text of policy_notes.table has the notes that name its mistakes") {
    const auto rows = test::read_table("mtasts/policy_notes.table", 3);
    CHECK(rows.size() >= 25);
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CAPTURE(row.fields[2]);
        std::string shown;
        for (const PolicyNote& note : policy_notes(row.fields[0]))
            shown += fmt::format("{}{} {}", shown.empty() ? "" : "; ", note.line, note.text);
        if (row.fields[1].empty())
            CHECK(shown.empty());
        else
            CHECK_MESSAGE(shown.starts_with(row.fields[1]), shown);
    }
}

TEST_CASE("notes are printable and bounded, whatever the file holds") {
    std::string text = "mx: ";
    for (int octet = 0; octet < 256; octet++)
        text += static_cast<char>(octet);
    for (const PolicyNote& note : policy_notes(text + std::string(1000, 'x') + ","))
        CHECK(std::ranges::all_of(note.text, [](char c) { return c >= ' ' && c <= '~'; }));
}

} // namespace postseal::mtasts
