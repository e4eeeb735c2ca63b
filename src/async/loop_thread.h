// async/loop_thread.h: a second UvLoop on a thread of its own, with a Service that lives there
//
// For asynchronous work that burns milliseconds (TLS handshakes), away from the loop that serves.
// The work is ordinary Task code; only its loop is another.
//
// LoopThread<Get>::Work<Page> work = [url](UvLoop&, Get& get) { return get.fetch(url); };
// Page page = co_await thread->call<Page>(std::move(work));
//
// The Service is made, used and destroyed on the thread; what it cannot do at the start is the
// error (or exception) of open(). `work` is kept until its Task has ended. Destroying a waiting
// Call cancels its Task there, a moment later; what the Task throws leaves from the await. Work and
// its captures end on the thread, before the waiter goes on. Every Call must be gone before the
// LoopThread is; its destructor waits until the cancelled Tasks are destroyed.
// Thread: open(), the destructor and Calls are for the home loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/parcel.h"
#include "async/uv_loop.h"

#include <cassert>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

namespace postseal::async {

template <class Service> class LoopThread {
  public:
    using Make =
        std::move_only_function<std::expected<std::unique_ptr<Service>, std::string>(UvLoop&)>;
    template <class T> using Work = std::move_only_function<Task<T>(UvLoop&, Service&)>;
    template <class T> class Call;

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
        assert(calls_ == 0);
        if (!thread_.joinable()) return;
        if (there_ != nullptr) there_->inbox.send([there = there_] { there->loop.stop(); });
        thread_.join();
    }

    template <class T> [[nodiscard]] Call<T> call(Work<T> work) {
        return Call<T>(*this, std::move(work));
    }

  private:
    using Started = std::expected<void, std::string>;

    struct There;
    // A Task at work on the thread.
    struct Child : Done {
        Child(There& t, std::uint64_t i) : there(t), id(i) {}
        Child(const Child&) = delete;
        Child& operator=(const Child&) = delete;
        virtual ~Child() = default;
        virtual void send_home() = 0;
        void done() noexcept final { reap.post(there.loop, {&Child::end, this}); }
        static void end(void* self) {
            auto* child = static_cast<Child*>(self);
            const auto node = child->there.children.extract(child->id);
            child->send_home();
        }
        There& there;
        std::uint64_t id;
        Ready reap;
    };
    template <class T> struct ChildOf;

    // What lives on the thread.
    struct There {
        UvLoop loop;
        Inbox inbox{loop};
        std::unique_ptr<Service> service;
        std::unordered_map<std::uint64_t, std::unique_ptr<Child>> children;
    };

    explicit LoopThread(UvLoop& home) : home_(home), results_(home) {}

    void serve(std::promise<Started> started, Make make) {
        try {
            There there;
            auto service = make(there.loop);
            make = nullptr;
            if (!service) {
                started.set_value(std::unexpected(std::move(service.error())));
                return;
            }
            there.service = std::move(*service);
            there_ = &there;
            started.set_value({});
            there.loop.run();
        } catch (...) {
            // From the start only: afterwards nothing leaves the loop.
            started.set_exception(std::current_exception());
        }
    }

    UvLoop& home_;
    Inbox results_;
    std::size_t calls_ = 0;
    std::uint64_t last_id_ = 0;
    There* there_ = nullptr; // set before open() goes on
    std::thread thread_;
};

template <class Service>
template <class T>
struct LoopThread<Service>::ChildOf final : LoopThread<Service>::Child {
    ChildOf(There& t, std::uint64_t i, Work<T> w, std::shared_ptr<Parcel<T>> p, Inbox& h)
        : Child(t, i), work(std::move(w)), parcel(std::move(p)), home(h) {}
    void start() {
        driver.emplace(drive_into(static_cast<Done&>(*this),
                                  work(this->there.loop, *this->there.service), parcel->outcome));
    }
    void send_home() override {
        driver.reset();
        work = nullptr;
        home.send([p = std::move(parcel)] { p->arrive(); });
    }
    Work<T> work;
    std::shared_ptr<Parcel<T>> parcel;
    Inbox& home;
    std::optional<Driver> driver; // last: destroyed first
};

template <class Service> template <class T> class LoopThread<Service>::Call {
  public:
    Call(LoopThread& thread, Work<T> work)
        : thread_(thread), work_(std::move(work)), receiver_(thread.home_) {
        thread_.calls_++;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        thread_.calls_--;
        if (parcel_->receiver == nullptr) return; // not begun, or arrived
        parcel_->receiver = nullptr;
        thread_.there_->inbox.send(
            [there = thread_.there_, id = id_] { there->children.erase(id); });
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        id_ = ++thread_.last_id_;
        receiver_.wait(h);
        parcel_->receiver = &receiver_;
        thread_.there_->inbox.send([there = thread_.there_, id = id_, work = std::move(work_),
                                    parcel = parcel_, &home = thread_.results_]() mutable {
            auto child =
                std::make_unique<ChildOf<T>>(*there, id, std::move(work), std::move(parcel), home);
            ChildOf<T>& started = *child;
            there->children.emplace(id, std::move(child));
            started.start();
        });
    }
    T await_resume() { return parcel_->outcome.take(); }

  private:
    LoopThread& thread_;
    Work<T> work_;
    Receiver receiver_;
    std::uint64_t id_ = 0;
    std::shared_ptr<Parcel<T>> parcel_ = std::make_shared<Parcel<T>>();
};

} // namespace postseal::async
