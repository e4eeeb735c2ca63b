// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_limits.h"

#include "async/group.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

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
    async::Task<> hold(std::vector<tls::Address> addresses, char name) {
        const AddressLimits::Permits permits = co_await limits.acquire(std::move(addresses));
        got += name;
        co_await async::Sleep(loop, 1s);
    }

    test::VirtualLoop loop;
    AddressLimits limits{loop, 2};
    std::string got;
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
