// SPDX-License-Identifier: BSD-3-Clause
#include "async/loop.h"

#include <algorithm>
#include <utility>

namespace postseal::async {

void Ready::post(Loop& loop, Callback callback) {
    const bool first = !loop.any_ready();
    callback_ = callback;
    loop.ready_.push_back(*this);
    if (first) loop.want_turn();
}

void Timer::start(Loop& loop, milliseconds delay, Callback callback) {
    stop();
    const MonoTime now = loop.now();
    delay = std::clamp(delay, milliseconds(0), milliseconds(MonoTime::max() - now));
    at_ = now + delay;
    callback_ = callback;
    loop.add(*this);
    loop_ = &loop;
}

void Timer::stop() {
    if (loop_ == nullptr) return;
    Loop& loop = *std::exchange(loop_, nullptr);
    if (node_)
        due_.unlink(); // it is due, no longer in the queue; the loop may be gone
    else
        loop.remove(*this);
}

void Timer::fire(void* self) {
    auto* timer = static_cast<Timer*>(self);
    timer->loop_ = nullptr;
    const Callback callback = timer->callback_; // may destroy the timer
    callback();
}

Loop::~Loop() {
    for (Timer* timer : timers_)
        timer->loop_ = nullptr;
}

void Loop::add(Timer& timer) {
    timer.serial_ = timers_started_++;
    if (timer.node_) {
        timer.node_.value() = &timer;
        timers_.insert(std::move(timer.node_));
    } else {
        timers_.insert(&timer);
    }
    if (*timers_.begin() == &timer) want_timer(timer.at_);
}

void Loop::remove(Timer& timer) {
    const bool first = *timers_.begin() == &timer;
    timer.node_ = timers_.extract(&timer);
    if (first) want_timer(next_timer());
}

std::optional<MonoTime> Loop::next_timer() const {
    if (timers_.empty()) return std::nullopt;
    return (*timers_.begin())->at_;
}

void Loop::run_ready() {
    Ring turn;
    turn.take_all(ready_);
    for (int n = 0; n < max_in_a_turn && !turn.empty(); n++) {
        auto& entry = static_cast<Ready&>(turn.first());
        const Callback callback = entry.callback_; // may destroy the entry
        entry.unlink();
        callback();
    }
    // What is left goes before what has been posted meanwhile.
    turn.take_all(ready_);
    ready_.take_all(turn);
}

void Loop::run_timers(MonoTime now) {
    while (!timers_.empty() && (*timers_.begin())->at_ <= now) {
        Timer& timer = **timers_.begin();
        timer.node_ = timers_.extract(timers_.begin());
        timer.due_.post(*this, {&Timer::fire, &timer});
    }
    want_timer(next_timer());
}

} // namespace postseal::async
