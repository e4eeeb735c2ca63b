// SPDX-License-Identifier: BSD-3-Clause
#include "observe/page_json.h"

#include "async/block_on.h"
#include "observe/field.h"
#include "observe/status_json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postseal;
using namespace postseal::test;

TEST_CASE("page_json: all of the status, and what the header promises beside it") {
    Observed field;
    field.store.save(store::StsRow{.domain = Domain::parse("bad.example").value(),
                                   .failures = 2,
                                   .failed_id = "1",
                                   .fault = "timeout",
                                   .reason = "no answer"});
    const Json page = async::block_on(field.loop, field.observer.page());
    const Json status = observe::status_json(field.observer);
    for (const auto& [name, value] : status.items())
        CHECK_MESSAGE(page.contains(name), name);
    for (const char* name : {"listeners", "kept", "minutes", "deferred", "findings", "failing",
                             "downgraded", "changed"})
        CHECK_MESSAGE(page.contains(name), name);
    CHECK(page.size() == status.size() + 8);
    REQUIRE(page["failing"].size() == 1);
    CHECK(page["failing"][0]["domain"] == "bad.example");
    CHECK(page["failing"][0]["fault"] == "timeout");
    CHECK(page["kept"]["failing"] == 1);
    CHECK(page["minutes"]["step_s"] == 60);
    CHECK(page["minutes"]["lookups"].size() == 1); // the minute that is not over
}
