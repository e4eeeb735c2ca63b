// async/loop_thread.h: a second UvLoop on a thread of its own, with a Service that lives there
//
// For asynchronous work that burns milliseconds (TLS handshakes), away from the loop that serves.
//
// LoopThread<Get>::Work<Page> work = [url](UvLoop&, Get& get) { return get.fetch(url); };
// Page page = co_await thread->call<Page>(std::move(work));
//
// The Service is made, used and destroyed on the thread; what it cannot do at the start is the
// error (or exception) of open(). Calls are those of remote.h. Every Call must be gone before the
// LoopThread is; its destructor waits until the cancelled Tasks are destroyed.
// Thread: open(), the destructor and Calls are for the home loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/remote.h"
#include "async/uv_loop.h"

#include <exception>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace postseal::async {

template <class Service> class LoopThread {
  public:
    using Make =
        std::move_only_function<std::expected<std::unique_ptr<Service>, std::string>(UvLoop&)>;
    template <class T> using Work = Remote<Service>::template Work<T>;
    template <class T> using Call = Remote<Service>::template Call<T>;

    [[nodiscard]] static std::expected<std::unique_ptr<LoopThread>, std::string> open(UvLoop& home,
                                                                                      Make make) {
        std::unique_ptr<LoopThread> self(new LoopThread(home));
        std::promise<Started> promise;
        std::future<Started> started = promise.get_future();
        self->thread_ =
            std::thread(&LoopThread::serve, self.get(), std::move(promise), std::move(make));
        if (auto ok = started.get(); !ok) return std::unexpected(std::move(ok.error()));
        return self;
    }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;
    ~LoopThread() {
        if (!thread_.joinable()) return;
        if (there_ != nullptr) there_->remote.send([there = there_] { there->loop.stop(); });
        thread_.join();
    }

    template <class T> [[nodiscard]] Call<T> call(Work<T> work) {
        return Call<T>(there_->remote, home_, std::move(work));
    }

  private:
    using Started = std::expected<void, std::string>;

    // What lives on the thread.
    struct There {
        UvLoop& loop;
        Remote<Service> remote;
    };

    explicit LoopThread(UvLoop& home) : home_(home) {}

    void serve(std::promise<Started> started, Make make) {
        try {
            UvLoop loop;
            auto service = make(loop);
            make = nullptr;
            if (!service) {
                started.set_value(std::unexpected(std::move(service.error())));
                return;
            }
            There there{loop, {loop, **service}};
            there_ = &there;
            started.set_value({});
            loop.run();
        } catch (...) {
            // From the start only: afterwards nothing leaves the loop.
            started.set_exception(std::current_exception());
        }
    }

    Home home_;
    There* there_ = nullptr; // set before open() goes on
    std::thread thread_;
};

} // namespace postseal::async
