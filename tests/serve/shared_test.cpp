// SPDX-License-Identifier: BSD-3-Clause
#include "serve/shared.h"

#include "async/block_on.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::serve;
using namespace std::chrono_literals;

namespace {

async::Task<> a_moment(async::UvLoop& loop) { co_await async::Sleep(loop, 5ms); }

} // namespace

TEST_CASE("complaints: once a minute for each client of each listener, and all are counted") {
    Complaints complaints;
    const MonoTime start{1h};
    CHECK(complaints.add("inet:127.0.0.1:1", "192.0.2.1", start));
    CHECK_FALSE(complaints.add("inet:127.0.0.1:1", "192.0.2.1", start + 59s));
    CHECK(complaints.add("inet:127.0.0.1:1", "192.0.2.2", start + 59s));
    CHECK(complaints.add("unix:/s", "192.0.2.1", start + 59s));
    CHECK(complaints.add("inet:127.0.0.1:1", "192.0.2.1", start + 60s));
    CHECK_FALSE(complaints.add("inet:127.0.0.1:1", "192.0.2.2", start + 61s));
    CHECK(complaints.count() == 6);
}

TEST_CASE("shared: who found no room is told once when there may be some") {
    async::UvLoop loop;
    Shared shared(loop, 2);
    int told = 0;
    shared.on_room([&told] { told++; });
    CHECK(shared.has_room());
    shared.take_room();
    shared.take_room();
    shared.give_room(0); // nobody waits yet
    CHECK_FALSE(shared.has_room());
    async::block_on(loop, a_moment(loop));
    CHECK(told == 0);
    shared.give_room(1);
    shared.give_room(1);
    async::block_on(loop, a_moment(loop));
    CHECK(told == 1);
    CHECK(shared.connections() == 0);
    shared.limit(1);
    CHECK(told == 2);
}
