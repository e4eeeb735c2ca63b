// async/group.h: structured concurrency
//
// Every child coroutine belongs to a Group, a with_timeout or an awaiting parent. Destroying a
// Group cancels the children still running, in the order of their start; it must not be done from
// inside one of them. What a child throws has nobody to go to: it is a bug and ends the process.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "async/task.h"

#include <cassert>
#include <cstddef>
#include <exception>
#include <iterator>
#include <list>
#include <optional>
#include <utility>

namespace postseal::async {

// Told when a Driver's body has ended; called inside the body's last resumption, so post, do not
// act.
struct Done {
    virtual void done() noexcept = 0;

  protected:
    ~Done() = default;
};

// The root of a chain of Tasks: starts at once, cancels by its destructor. An exception that leaves
// the coroutine is a bug and ends the process.
class Driver {
  public:
    struct promise_type {
        Done& owner;
        template <class... A> explicit promise_type(Done& d, A&&...) : owner(d) {}
        Driver get_return_object() {
            return Driver(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        struct Final {
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
                h.promise().owner.done();
            }
            void await_resume() const noexcept {}
        };
        Final final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
    Driver(Driver&& other) noexcept : h_(std::exchange(other.h_, nullptr)) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    Driver& operator=(Driver&&) = delete;
    ~Driver() {
        if (h_) h_.destroy();
    }

  private:
    explicit Driver(std::coroutine_handle<promise_type> h) : h_(h) {}
    std::coroutine_handle<promise_type> h_;
};

inline Driver drive(Done&, Task<> body) { co_await std::move(body); }

// How a body ended: its value, or what it threw; neither if it was cancelled or still runs.
template <class T> struct Outcome {
    std::optional<T> value;
    std::exception_ptr error;

    T take() {
        if (error) std::rethrow_exception(error);
        assert(value.has_value()); // it has ended
        return *std::move(value);
    }
};
template <> struct Outcome<void> {
    bool ended = false;
    std::exception_ptr error;

    void take() const {
        if (error) std::rethrow_exception(error);
    }
};

// `out` must outlive the Driver.
template <class T> Driver drive_into(Done&, Task<T> body, Outcome<T>& out) {
    try {
        T value = co_await std::move(body);
        out.value.emplace(std::move(value));
    } catch (...) {
        out.error = std::current_exception();
    }
}
inline Driver drive_into(Done&, Task<> body, Outcome<void>& out) {
    try {
        co_await std::move(body);
        out.ended = true;
    } catch (...) {
        out.error = std::current_exception();
    }
}

class Group {
  public:
    explicit Group(Loop& loop) : loop_(loop) {}
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;
    ~Group() = default;

    // Runs the body up to its first suspension before it returns.
    void start(Task<> body) {
        Child& child = children_.emplace_back(*this);
        child.self = std::prev(children_.end());
        try {
            child.driver.emplace(drive(child, std::move(body)));
        } catch (...) { // no memory for the frame
            children_.erase(child.self);
            throw;
        }
    }
    // Children not yet reaped: one that has ended counts until the next turn.
    [[nodiscard]] std::size_t size() const { return children_.size(); }

    class Join {
      public:
        explicit Join(Group& group) : group_(group) {}
        Join(const Join&) = delete;
        Join& operator=(const Join&) = delete;
        ~Join() {
            if (group_.join_ == this) group_.join_ = nullptr;
        }
        bool await_ready() const noexcept { return group_.children_.empty(); }
        void await_suspend(std::coroutine_handle<> h) {
            assert(group_.join_ == nullptr);
            waiter_ = h;
            group_.join_ = this;
        }
        void await_resume() const noexcept {}

      private:
        friend class Group;
        void last_child_ended() {
            ready_.post(group_.loop_, {[](void* self) {
                                           auto& join = *static_cast<Join*>(self);
                                           // Another may have been started since the post.
                                           if (join.group_.children_.empty()) join.waiter_.resume();
                                       },
                                       this});
        }
        Group& group_;
        Ready ready_;
        std::coroutine_handle<> waiter_;
    };
    // co_await group.join(): no child is left. One joiner at a time; the group outlives the wait.
    Join join() { return Join(*this); }

  private:
    struct Child final : Done {
        explicit Child(Group& g) : group(g) {}
        void done() noexcept override { reap.post(group.loop_, {&Child::erase, this}); }
        static void erase(void* self) {
            auto* child = static_cast<Child*>(self);
            Group& g = child->group;
            g.children_.erase(child->self);
            if (g.children_.empty() && g.join_ != nullptr) g.join_->last_child_ended();
        }
        Group& group;
        std::list<Child>::iterator self;
        Ready reap;
        std::optional<Driver> driver;
    };
    Loop& loop_;
    std::list<Child> children_;
    Join* join_ = nullptr;
};

} // namespace postseal::async
