// async/worker.h: one thread that runs jobs in order, for libraries that block (SQLite)
//
// std::move_only_function<int()> job = ...;
// const int rows = co_await worker.call<int>(std::move(job));
//
// Jobs run in the order in which they were accepted: post() accepts at once, call() when it is
// awaited. A coroutine cancelled while it waits drops the result, never the job. What a job throws
// is a bug and ends the process. The destructor runs every accepted job, then joins; a coroutine
// still waiting then is not resumed, and should have been destroyed before.
// Thread: all members are for the home loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/parcel.h"
#include "async/uv_loop.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

namespace postseal::async {

class Worker {
  public:
    using Job = std::move_only_function<void()>;
    template <class T> class Call;

    explicit Worker(UvLoop& home);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    void post(Job job);
    template <class T> [[nodiscard]] Call<T> call(std::move_only_function<T()> job) {
        return Call<T>(*this, std::move(job));
    }
    // Accepted jobs that have not been begun.
    [[nodiscard]] std::size_t waiting() const;

  private:
    void serve() noexcept;
    UvLoop& home_;
    Inbox results_;
    mutable std::mutex mutex_;
    std::condition_variable more_;
    std::deque<Job> accepted_;
    bool closing_ = false;
    std::thread thread_; // last: runs when all else is there
};

template <class T> class Worker::Call {
  public:
    Call(Worker& worker, std::move_only_function<T()> job)
        : worker_(worker), job_(std::move(job)), receiver_(worker.home_) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { parcel_->receiver = nullptr; }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        receiver_.wait(h);
        parcel_->receiver = &receiver_;
        worker_.post([job = std::move(job_), parcel = parcel_, &home = worker_.results_]() mutable {
            if constexpr (std::is_void_v<T>)
                job();
            else
                parcel->outcome.value.emplace(job());
            job = nullptr; // what it captured ends here, before the waiter goes on
            home.send([parcel = std::move(parcel)] { parcel->arrive(); });
        });
    }
    T await_resume() { return parcel_->outcome.take(); }

  private:
    Worker& worker_;
    std::move_only_function<T()> job_;
    Receiver receiver_;
    std::shared_ptr<Parcel<T>> parcel_ = std::make_shared<Parcel<T>>();
};

} // namespace postseal::async
