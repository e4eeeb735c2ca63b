// SPDX-License-Identifier: BSD-3-Clause
#include "engine/single_flight.h"

#include "async/timeout.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <string>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;

namespace {

using Flights = SingleFlight<std::string, int, std::string>;

async::Task<int> slow(async::Loop& loop, std::string& context, int& started) {
    started++;
    context = "half way";
    co_await async::Sleep(loop, 5s);
    co_return 42;
}

struct Field {
    test::VirtualLoop loop;
    Flights flights{loop};
    int started = 0;

    Flights::Shared join(const std::string& key) {
        return flights.start_or_join(
            key, [this](std::string& context) { return slow(loop, context, started); });
    }
};

async::Task<> ask(Field& field, std::string key, int& out) {
    Flights::Shared flight = field.join(key);
    out = co_await Flights::wait(field.loop, std::move(flight));
}

async::Task<bool> two_ask(Field& field) {
    int a = 0;
    int b = 0;
    int c = 0;
    async::Group group(field.loop);
    group.start(ask(field, "x", a));
    group.start(ask(field, "x", b));
    group.start(ask(field, "y", c));
    co_await group.join();
    co_return a == 42 && b == 42 && c == 42;
}

async::Task<bool> give_up_then_ask(Field& field) {
    Flights::Shared flight = field.join("x");
    async::Task<int> first = Flights::wait(field.loop, flight);
    const auto early = co_await async::with_timeout(field.loop, std::move(first), 1s);
    const bool shown = flight->context == "half way";
    const int late = co_await Flights::wait(field.loop, flight);
    co_return !early && shown && late == 42;
}

async::Task<bool> ask_after_landing(Field& field) {
    Flights::Shared flight = field.join("x");
    co_await async::Sleep(field.loop, 10s);
    const int value = co_await Flights::wait(field.loop, flight);
    co_return value == 42;
}

async::Task<int> at_once(int value) { co_return value; }

} // namespace

TEST_CASE("all who ask at the same time share one flight") {
    Field field;
    CHECK(field.loop.run_until_done(two_ask(field)));
    CHECK(field.started == 2);
    CHECK(field.flights.pending() == 0);
}

TEST_CASE("a waiter that gives up leaves the flight going") {
    Field field;
    CHECK(field.loop.run_until_done(give_up_then_ask(field)));
    CHECK(field.started == 1);
}

TEST_CASE("a landed flight gives its value at once, and the next asks anew") {
    Field field;
    CHECK(field.loop.run_until_done(ask_after_landing(field)));
    field.join("x");
    CHECK(field.started == 2);
}

TEST_CASE("a body that never suspends has landed when start_or_join returns") {
    Field field;
    const auto flight = field.flights.start_or_join("x", [](std::string&) { return at_once(7); });
    CHECK(flight->value == 7);
    CHECK(field.flights.pending() == 0);
}

TEST_CASE("flights are cancelled with their owner") {
    test::VirtualLoop loop;
    int started = 0;
    {
        Flights flights(loop);
        flights.start_or_join("x",
                              [&](std::string& context) { return slow(loop, context, started); });
        CHECK(flights.pending() == 1);
    }
    loop.advance(10s);
    CHECK(started == 1);
}
