// dns/cancelled.h: a lookup cancelled after 0, 1, 2 ... turns of the loop, until it ends by itself
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "support/fake_resolver.h"
#include "support/flag.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string_view>

namespace postseal::test {

template <class T> async::Outcome<T> outcome_of(const async::Task<T>& task); // its type only

// Checks that no cancelled one leaves a question behind, nor asks one later. `make` gives the task,
// from a loop and a resolver. The turns that it takes to end.
template <class Make> int turns_until_it_ends(std::string_view world, Make make) {
    constexpr int max_turns = 200;
    for (int turns = 0; turns < max_turns; turns++) {
        VirtualLoop loop;
        FakeResolver resolver(loop, world);
        Flag flag;
        {
            decltype(outcome_of(make(loop, resolver))) outcome; // not evaluated
            const auto driver =
                async::drive_into(static_cast<async::Done&>(flag), make(loop, resolver), outcome);
            for (int i = 0; i < turns && !flag.set; i++)
                REQUIRE(loop.turn());
        }
        CHECK(resolver.in_flight() == 0);
        const std::size_t asked = resolver.questions().size();
        loop.advance(std::chrono::hours(1));
        CHECK(resolver.questions().size() == asked);
        if (flag.set) return turns;
    }
    FAIL("it does not end");
    return max_turns;
}

} // namespace postseal::test
