// async/remote.h: asynchronous work on another loop, for a Service that lives there
//
// The work is ordinary Task code; only its loop is another. It is kept until its Task has ended.
// Destroying a waiting Call cancels its Task there, a moment later; what the Task throws leaves
// from the await. Work and its captures end on the other thread, before the waiter goes on.
//
// Remote<Get>::Work<Page> work = [url](UvLoop&, Get& get) { return get.fetch(url); };
// Remote<Get>::Call<Page> call(remote, home, std::move(work));
// Page page = co_await call;
//
// Every Call must be gone before its Home and its Remote are; the Remote's loop must not turn any
// more when a Home goes that has called it.
// Thread: a Remote is made and destroyed on its own loop's, a Home on the callers'.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/parcel.h"
#include "async/uv_loop.h"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace postseal::async {

// Where the callers of one loop get their results.
class Home {
  public:
    explicit Home(UvLoop& loop) : loop_(loop), results_(loop) {}
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;
    ~Home() { assert(calls_ == 0); }

  private:
    template <class Service> friend class Remote;
    UvLoop& loop_;
    Inbox results_;
    std::size_t calls_ = 0;
};

template <class Service> class Remote {
  public:
    template <class T> using Work = std::move_only_function<Task<T>(UvLoop&, Service&)>;
    template <class T> class Call;

    Remote(UvLoop& loop, Service& service) : loop_(loop), inbox_(loop), service_(service) {}
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    ~Remote() = default;

    // Run there, in order with the Calls. Thread: any.
    void send(std::move_only_function<void()> message) { inbox_.send(std::move(message)); }

  private:
    // A Task at work.
    struct Child : Done {
        Child(Remote& t, std::uint64_t i) : there(t), id(i) {}
        Child(const Child&) = delete;
        Child& operator=(const Child&) = delete;
        virtual ~Child() = default;
        virtual void send_home() = 0;
        void done() noexcept final { reap.post(there.loop_, {&Child::end, this}); }
        static void end(void* self) {
            auto* child = static_cast<Child*>(self);
            const auto node = child->there.children_.extract(child->id);
            child->send_home();
        }
        Remote& there;
        std::uint64_t id;
        Ready reap;
    };
    template <class T> struct ChildOf;

    UvLoop& loop_;
    Inbox inbox_;
    Service& service_;
    std::atomic<std::uint64_t> last_id_{0};
    std::unordered_map<std::uint64_t, std::unique_ptr<Child>> children_;
};

template <class Service>
template <class T>
struct Remote<Service>::ChildOf final : Remote<Service>::Child {
    ChildOf(Remote& t, std::uint64_t i, Work<T> w, std::shared_ptr<Parcel<T>> p, Inbox& h)
        : Child(t, i), work(std::move(w)), parcel(std::move(p)), home(h) {}
    void start() {
        driver.emplace(drive_into(static_cast<Done&>(*this),
                                  work(this->there.loop_, this->there.service_), parcel->outcome));
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

template <class Service> template <class T> class Remote<Service>::Call {
  public:
    Call(Remote& there, Home& home, Work<T> work)
        : there_(there), home_(home), work_(std::move(work)), receiver_(home.loop_) {
        home_.calls_++;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        home_.calls_--;
        if (parcel_->receiver == nullptr) return; // not begun, or arrived
        parcel_->receiver = nullptr;
        there_.send([&there = there_, id = id_] { there.children_.erase(id); });
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        id_ = ++there_.last_id_;
        receiver_.wait(h);
        parcel_->receiver = &receiver_;
        there_.send([&there = there_, id = id_, work = std::move(work_), parcel = parcel_,
                     &home = home_.results_]() mutable {
            auto child =
                std::make_unique<ChildOf<T>>(there, id, std::move(work), std::move(parcel), home);
            ChildOf<T>& started = *child;
            there.children_.emplace(id, std::move(child));
            started.start();
        });
    }
    T await_resume() { return parcel_->outcome.take(); }

  private:
    Remote& there_;
    Home& home_;
    Work<T> work_;
    Receiver receiver_;
    std::uint64_t id_ = 0;
    std::shared_ptr<Parcel<T>> parcel_ = std::make_shared<Parcel<T>>();
};

} // namespace postseal::async
