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
    Shared shared(loop, 2, 1000);
    const auto places = shared.add_places(0);
    const auto take = [&](Places& where) {
        shared.take_room();
        where.taken++;
    };
    const auto leave = [&](Places& where) {
        where.taken--;
        shared.give_room(1);
    };
    int told = 0;
    shared.on_room([&told] { told++; });
    CHECK(shared.has_room(*places));
    take(*places);
    take(*places);
    shared.give_room(0); // nobody waits yet
    CHECK_FALSE(shared.has_room(*places));
    async::block_on(loop, a_moment(loop));
    CHECK(told == 0);
    leave(*places);
    leave(*places);
    async::block_on(loop, a_moment(loop));
    CHECK(told == 1);
    CHECK(shared.connections() == 0);
    shared.limit(1);
    CHECK(told == 2);
}

TEST_CASE("shared: a listener's own places are taken by no other") {
    async::UvLoop loop;
    Shared shared(loop, 10, 1000);
    shared.on_room([] {});
    const auto own = shared.add_places(4);
    auto other = shared.add_places(1);
    while (shared.has_room(*other))
        other->taken++;
    CHECK(other->taken == 6);
    while (shared.has_room(*own))
        own->taken++;
    CHECK(own->taken == 4);
    other->taken -= 2; // one of them was in common
    CHECK(shared.has_room(*own));
    own->taken++;
    CHECK(shared.has_room(*own));
    own->taken++;
    CHECK_FALSE(shared.has_room(*own));
    CHECK_FALSE(shared.has_room(*other));
    own->taken = 0;
    other.reset(); // its clients have gone with it
    while (shared.has_room(*own))
        own->taken++;
    CHECK(own->taken == 10);
}

TEST_CASE("complaints: those who are remembered are bounded, those who are counted are not") {
    Complaints complaints;
    const MonoTime start{1h};
    int logged = 0;
    for (int i = 0; i < 100'000; i++)
        if (complaints.add("l", std::to_string(i), start)) logged++;
    CHECK(logged == static_cast<int>(Complaints::max_clients));
    CHECK(complaints.count() == 100'000);
    CHECK_FALSE(complaints.add("l", "0", start + 59s));
    CHECK(complaints.add("l", "new", start + 60s));
}
