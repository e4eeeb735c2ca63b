// SPDX-License-Identifier: BSD-3-Clause
#include "async/limiter.h"

#include <cassert>

namespace postseal::async {

Limiter::Limiter(Loop& loop, std::size_t permits) : loop_(loop), permits_(permits) {
    assert(permits > 0);
}

Limiter::~Limiter() { assert(in_use_ == 0 && waiting_ == 0); }

void Limiter::leave(Acquire& waiter) {
    waiter.unlink();
    waiting_--;
}

void Limiter::set_permits(std::size_t permits) {
    assert(permits > 0);
    permits_ = permits;
    for (; !queue_.empty() && in_use_ < permits_; in_use_++)
        hand_over();
}

void Limiter::give_back() {
    if (queue_.empty() || in_use_ > permits_)
        in_use_--;
    else
        hand_over();
}

void Limiter::hand_over() {
    auto& next = static_cast<Acquire&>(queue_.first());
    leave(next);
    next.granted_ = true;
    next.ready_.post(loop_, Callback::resume(next.waiter_));
}

void Limiter::Permit::release() {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back();
}

Limiter::Acquire::~Acquire() {
    if (linked()) limiter_.leave(*this);
    if (granted_) limiter_.give_back();
}

// While somebody waits no permit is free, so nobody is overtaken.
bool Limiter::Acquire::await_ready() noexcept {
    if (limiter_.in_use_ >= limiter_.permits_) return false;
    limiter_.in_use_++;
    granted_ = true;
    return true;
}

void Limiter::Acquire::await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    limiter_.queue_.push_back(*this);
    limiter_.waiting_++;
}

Limiter::Permit Limiter::Acquire::await_resume() noexcept {
    granted_ = false;
    return Permit(limiter_);
}

} // namespace postseal::async
