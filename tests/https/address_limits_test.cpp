// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_limits.h"

#include "async/group.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

using namespace postseal;
using namespace postseal::https;
using namespace std::chrono_literals;

namespace {

const tls::Address a = tls::Address::parse("192.0.2.1").value();
const tls::Address b = tls::Address::parse("192.0.2.2").value();
const tls::Address c = tls::Address::parse("2001:db8::1").value();

struct Field {
    // Notes when it has its permits, and gives them back after a second.
    async::Task<> hold(std::vector<tls::Address> addresses, char name,
                       std::optional<Fetched> how = std::nullopt,
                       async::Limiter::ClientId client = nullptr, milliseconds patience = 1h) {
        auto permits = co_await limits.acquire(std::move(addresses), client, patience);
        if (!permits) {
            vain += name;
            CHECK(permits.error() == loop.now() - begin);
            co_return;
        }
        got += name;
        co_await async::Sleep(loop, 1s);
        if (how) permits->ended(*how);
    }

    test::VirtualLoop loop;
    AddressLimits limits{loop, 2};
    MonoTime begin = loop.now();
    std::string got;
    std::string vain;
    async::Group group{loop};
};

} // namespace

TEST_CASE("so many at once for an address, the rest in turn, and others are not held up") {
    Field field;
    for (const char name : {'1', '2', '3', '4', '5'})
        field.group.start(field.hold({a}, name));
    field.group.start(field.hold({b}, 'b'));
    field.loop.advance(1ms);
    CHECK(field.got == "12b");
    field.loop.advance(1s);
    CHECK(field.got == "12b34");
    field.loop.advance(1s);
    CHECK(field.got == "12b345");
    field.loop.advance(1s);
    CHECK(field.limits.addresses() == 0);
}

TEST_CASE("several addresses, in whatever order and however often they are named") {
    Field field;
    field.group.start(field.hold({a, b, a}, '1'));
    field.group.start(field.hold({b, a}, '2'));
    field.group.start(field.hold({c, b}, '3')); // waits for b
    field.group.start(field.hold({c}, '4'));
    field.loop.advance(1ms);
    CHECK(field.got == "124");
    field.loop.advance(1s);
    CHECK(field.got == "1243");
    field.loop.advance(2s);
    CHECK(field.limits.addresses() == 0);
}

TEST_CASE("who is cancelled while it waits leaves nothing behind") {
    Field field;
    field.group.start(field.hold({b}, '1'));
    field.group.start(field.hold({b}, '2'));
    {
        async::Group cancelled(field.loop);
        cancelled.start(field.hold({b, a}, '3')); // has a
        field.loop.advance(1ms);
        CHECK(field.limits.addresses() == 2);
    }
    CHECK(field.limits.addresses() == 1);
    field.loop.advance(2s);
    CHECK(field.got == "12");
    CHECK(field.limits.addresses() == 0);
}

TEST_CASE("each policy adds a place, up to eight times as many") {
    Field field;
    for (int i = 0; i < 200; i++)
        field.group.start(field.hold({a}, 'x', Fetched::well));
    std::size_t had = 2;
    CHECK(field.got.size() == had);
    for (const std::size_t more : {4U, 8U, 16U, 16U, 16U}) {
        field.loop.advance(1s);
        had += more;
        CHECK(field.got.size() == had);
    }
    CHECK(field.limits.places(a) == AddressLimits::growth * 2);
    field.loop.advance(1min);
    CHECK(field.got.size() == 200);
    CHECK(field.limits.addresses() == 0);
    CHECK(field.limits.places(a) == 2);
}

TEST_CASE("an answer without a policy adds none, and one that does not come takes back what was") {
    Field field;
    const auto start = [&](int count, std::vector<tls::Address> addresses, char name, Fetched how) {
        for (int i = 0; i < count; i++)
            field.group.start(field.hold(addresses, name, how));
    };
    start(5, {a}, 'x', Fetched::badly);
    field.loop.advance(2500ms);
    CHECK(field.limits.places(a) == 2);
    field.loop.advance(1s);
    start(14, {a, b}, 'y', Fetched::well);
    field.loop.advance(2500ms); // two, four, eight
    CHECK(field.got == "xxxxxyyyyyyyyyyyyyy");
    CHECK(field.limits.places(a) == 8);
    CHECK(field.limits.places(b) == 8);
    start(30, {a}, 'z', Fetched::not_at_all);
    field.loop.advance(1s);
    CHECK(std::ranges::count(field.got, 'z') == 16);
    field.loop.advance(1s);
    CHECK(field.limits.places(a) == 2);
    CHECK(std::ranges::count(field.got, 'z') == 18);
    field.loop.advance(1min);
}

TEST_CASE("a host that answers nobody has never more than it had at first") {
    Field field;
    for (int i = 0; i < 10; i++)
        field.group.start(field.hold({a}, 'x', Fetched::not_at_all));
    for (std::size_t had = 2; had <= 10; had += 2) {
        field.loop.advance(had == 2 ? 1ms : 1000ms);
        CHECK(field.got.size() == had);
    }
    field.loop.advance(1s);
}

TEST_CASE("who waits goes on waiting while the host answers, and no longer than four times so") {
    Field field;
    // The limit is 2 s, but the host answers each second: nobody is sent away.
    for (int i = 0; i < 12; i++)
        field.group.start(field.hold({a}, 'x', Fetched::badly, nullptr, 2500ms));
    field.loop.advance(8s);
    CHECK(field.got.size() == 12);
    CHECK(field.vain.empty());
    // All that time it must not be.
    field.begin = field.loop.now();
    for (int i = 0; i < 24; i++)
        field.group.start(field.hold({a}, 'y', Fetched::badly, nullptr, 2500ms));
    field.loop.advance(9900ms);
    CHECK(field.vain.empty());
    field.loop.advance(200ms);
    CHECK(field.vain == "yyyy"); // 20 had their turn within 10 s
}

TEST_CASE("a host that answers nobody lets nobody wait for longer than the limit") {
    Field field;
    for (int i = 0; i < 8; i++)
        field.group.start(field.hold({a}, 'x', Fetched::not_at_all, nullptr, 2500ms));
    field.loop.advance(2400ms);
    CHECK(field.vain.empty());
    field.loop.advance(200ms);
    CHECK(field.got == "xxxxxx");
    CHECK(field.vain == "xx");
    field.loop.advance(1s);
    CHECK(field.limits.addresses() == 0);
}

TEST_CASE("clients that wait for an address take turns, each of them in its order") {
    Field field;
    const int many = 0;
    const int few = 0;
    for (const char name : {'1', '2', '3', '4', '5', '6'})
        field.group.start(field.hold({a}, name, std::nullopt, &many));
    for (const char name : {'a', 'b'})
        field.group.start(field.hold({a}, name, std::nullopt, &few));
    field.loop.advance(3s + 1ms);
    CHECK(field.got == "123a4b56");
}
