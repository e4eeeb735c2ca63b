// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;

namespace {

Task<std::unique_ptr<int>> value(Loop& loop, milliseconds delay) {
    if (delay > 0ms) co_await Sleep(loop, delay);
    co_return std::make_unique<int>(3);
}
Task<> nothing(Loop& loop) { co_await Sleep(loop, 1ms); }
Task<int> fail(Loop& loop) {
    co_await Sleep(loop, 1ms);
    throw std::out_of_range("from the body");
}

} // namespace

TEST_CASE("block_on: the body's value, at once or after waiting") {
    UvLoop loop;
    CHECK(*block_on(loop, value(loop, 0ms)) == 3);
    CHECK(*block_on(loop, value(loop, 2ms)) == 3);
    block_on(loop, nothing(loop));
}

TEST_CASE("block_on: what the body throws leaves, and the loop goes on") {
    UvLoop loop;
    CHECK_THROWS_AS(block_on(loop, fail(loop)), std::out_of_range);
    CHECK(*block_on(loop, value(loop, 1ms)) == 3);
}
