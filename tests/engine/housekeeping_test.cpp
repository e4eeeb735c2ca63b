// SPDX-License-Identifier: BSD-3-Clause
#include "engine/housekeeping.h"

#include "engine/field.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

TEST_CASE("what is older than 400 days is gone within a day, the rest stays") {
    Field field;
    const engine::Housekeeping housekeeping(field.engine->dependencies());
    const auto rows = [&] {
        return field.loop.run_until_done(field.store.ask(store::history_of, "example.com", 9))
            .size();
    };
    field.store.save(store::HistoryRow{.nexthop = "example.com", .at = field.clock.now()});
    field.loop.advance(399 * 24h);
    CHECK(rows() == 1);
    field.store.save(store::HistoryRow{.nexthop = "example.com", .at = field.clock.now()});
    field.loop.advance(23h);
    CHECK(rows() == 2); // not yet older
    field.loop.advance(24h + 1h);
    CHECK(rows() == 1);
}
