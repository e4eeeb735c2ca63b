// async/nudge.h: one coroutine waits until others have something new for it, or a limit has passed
//
// A nudge() that nobody waits for is kept for the next wait().
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"

#include <coroutine>
#include <optional>

namespace postseal::async {

class Nudge {
  public:
    explicit Nudge(Loop& loop) : loop_(loop) {}
    Nudge(const Nudge&) = delete;
    Nudge& operator=(const Nudge&) = delete;
    ~Nudge() = default;

    void nudge() {
        kept_ = true;
        if (waiter_) ready_.post(loop_, Callback::resume(waiter_));
    }

    // co_await nudge.wait(limit); no limit: as long as it takes. One waiter at a time.
    class Wait {
      public:
        Wait(Nudge& nudge, std::optional<milliseconds> limit) : nudge_(nudge), limit_(limit) {}
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;
        ~Wait() {
            nudge_.ready_.unlink();
            nudge_.waiter_ = nullptr;
        }
        bool await_ready() const noexcept { return nudge_.kept_; }
        void await_suspend(std::coroutine_handle<> h) {
            nudge_.waiter_ = h;
            if (limit_)
                timer_.start(nudge_.loop_, *limit_,
                             {[](void* self) { static_cast<Nudge*>(self)->nudge(); }, &nudge_});
        }
        void await_resume() const noexcept { nudge_.kept_ = false; }

      private:
        Nudge& nudge_;
        std::optional<milliseconds> limit_;
        Timer timer_;
    };
    Wait wait(std::optional<milliseconds> limit = std::nullopt) { return Wait(*this, limit); }

  private:
    Loop& loop_;
    Ready ready_;
    std::coroutine_handle<> waiter_;
    bool kept_ = false;
};

} // namespace postseal::async
