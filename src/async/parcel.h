// async/parcel.h: the outcome of work done on another thread, on its way home
//
// A Parcel is made at home, filled by the other thread, and comes home in a message of an Inbox.
// The mutex of the Inbox orders the filling before the opening; nothing else is shared. Whoever
// awaits it at home is its receiver; when that is destroyed, the parcel is dropped on arrival.
// Private to async/.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"

#include <coroutine>
#include <memory>
#include <utility>

namespace postseal::async {

class Receiver {
  public:
    explicit Receiver(Loop& home) : home_(home) {}
    void wait(std::coroutine_handle<> h) { waiter_ = h; }
    void wake() { ready_.post(home_, Callback::resume(waiter_)); }

  private:
    Loop& home_;
    Ready ready_;
    std::coroutine_handle<> waiter_;
};

template <class T> struct Parcel {
    Outcome<T> outcome;
    Receiver* receiver = nullptr; // home's thread only

    void arrive() {
        if (receiver != nullptr) std::exchange(receiver, nullptr)->wake();
    }
};

} // namespace postseal::async
