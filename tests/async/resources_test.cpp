// What owns something does not move (house style, value or resource); checked when this compiles.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "async/limiter.h"
#include "async/loop_thread.h"
#include "async/timeout.h"
#include "async/worker.h"
#include "support/virtual_loop.h"

#include <type_traits>

namespace postseal::async {
namespace {

template <class R>
constexpr bool stays = !std::is_copy_constructible_v<R> && !std::is_move_constructible_v<R> &&
                       !std::is_copy_assignable_v<R> && !std::is_move_assignable_v<R>;
template <class H>
constexpr bool moves_only = !std::is_copy_constructible_v<H> && !std::is_copy_assignable_v<H> &&
                            std::is_nothrow_move_constructible_v<H>;

static_assert(stays<Link> && stays<Ring> && stays<Ready> && stays<Timer> && stays<Sleep>);
static_assert(stays<UvLoop> && stays<test::VirtualLoop> && stays<Inbox>);
static_assert(stays<FdWatch> && stays<FdReady> && stays<SignalWatch>);
static_assert(stays<Group> && stays<Group::Join> && stays<Timeout<int>> && stays<Timeout<void>>);
static_assert(stays<Limiter> && stays<Limiter::Acquire>);
static_assert(stays<Worker> && stays<Worker::Call<int>> && stays<Worker::Call<void>>);
static_assert(stays<LoopThread<int>> && stays<LoopThread<int>::Call<int>>);

static_assert(moves_only<Task<>> && std::is_nothrow_move_assignable_v<Task<>>);
static_assert(moves_only<Task<int>> && std::is_nothrow_move_assignable_v<Task<int>>);
static_assert(moves_only<Driver> && !std::is_move_assignable_v<Driver>);
static_assert(moves_only<Limiter::Permit> && std::is_nothrow_move_assignable_v<Limiter::Permit>);

} // namespace
} // namespace postseal::async
