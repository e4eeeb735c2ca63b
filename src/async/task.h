// async/task.h: a lazily started coroutine that owns its frame
//
// A Task does nothing until it is awaited, which may be done once; destroying it cancels it,
// because the destructors of the awaiters in its frame withdraw their callbacks. All Tasks of a
// Loop run on that Loop's thread. The child is started inline from await_suspend, which returns
// whether the parent must wait: symmetric transfer would overflow the stack at -O0 on long runs of
// Tasks that never suspend.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace postseal::async {

template <class T = void> class Task;

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> continuation = std::noop_coroutine();
    std::exception_ptr error;
    bool parent_waits = false; // the parent has really suspended

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class P> void await_suspend(std::coroutine_handle<P> self) const noexcept {
            // A parent still inside its await_suspend sees for itself that we are done.
            if (self.promise().parent_waits) self.promise().continuation.resume();
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T> struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object() noexcept;
    template <class U = T> void return_value(U&& v) { value.emplace(std::forward<U>(v)); }
    T take() {
        if (error) std::rethrow_exception(error);
        assert(value.has_value());
        return *std::move(value);
    }
};

template <> struct Promise<void> : PromiseBase {
    Task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (error) std::rethrow_exception(error);
    }
};

} // namespace detail

template <class T> class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { destroy(); }

    auto operator co_await() && noexcept {
        struct Awaiter {
            Handle child;
            bool await_ready() const noexcept { return false; }
            bool await_suspend(std::coroutine_handle<> parent) const {
                assert(child && !child.done()); // moved from, or awaited before
                auto& promise = child.promise();
                promise.continuation = parent;
                child.resume();
                if (child.done()) return false;
                promise.parent_waits = true;
                return true;
            }
            T await_resume() const { return child.promise().take(); }
        };
        return Awaiter{handle_};
    }

  private:
    friend promise_type;
    explicit Task(Handle h) noexcept : handle_(h) {}
    void destroy() noexcept {
        if (handle_) std::exchange(handle_, nullptr).destroy();
    }
    Handle handle_;
};

namespace detail {
template <class T> Task<T> Promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}
} // namespace detail

} // namespace postseal::async
