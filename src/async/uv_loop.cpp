// SPDX-License-Identifier: BSD-3-Clause
#include "async/uv_loop.h"

#include "async/uv_handle.h"

#include <algorithm>
#include <csignal>

namespace postseal::async {

namespace {

// The order of UvLoop::Impl's members closes its handles first.
struct OwnedUvLoop {
    uv_loop_t uv{};

    OwnedUvLoop() { check_uv(uv_loop_init(&uv), "uv_loop_init"); }
    OwnedUvLoop(const OwnedUvLoop&) = delete;
    OwnedUvLoop& operator=(const OwnedUvLoop&) = delete;
    ~OwnedUvLoop() {
        // A turn frees what is closing; a signal's handle may take another.
        for (int turns = 0; turns < 10; turns++) {
            uv_run(&uv, UV_RUN_NOWAIT);
            if (uv_loop_close(&uv) == 0) return;
        }
        // A live handle is a bug of ours; its memory would be freed under libuv's feet.
        std::terminate();
    }
};

} // namespace

std::string_view uv_version() { return uv_version_string(); }

struct UvLoop::Impl {
    OwnedUvLoop loop;
    UvHandle<uv_idle_t> idle;   // active while something is ready
    UvHandle<uv_timer_t> timer; // for the earliest Timer
    UvHandle<uv_async_t> alive; // so that a turn waits, whatever else there is

    explicit Impl(UvLoop* owner) {
        check_uv(uv_idle_init(&loop.uv, idle.get()), "uv_idle_init");
        idle->data = owner;
        check_uv(uv_timer_init(&loop.uv, timer.get()), "uv_timer_init");
        timer->data = owner;
        check_uv(uv_async_init(&loop.uv, alive.get(), nullptr), "uv_async_init");
    }
};

UvLoop::UvLoop() : impl_(std::make_unique<Impl>(this)) {}
UvLoop::~UvLoop() = default;

MonoTime UvLoop::now() const {
    uv_update_time(uv());
    return turn_time();
}

MonoTime UvLoop::turn_time() const {
    return MonoTime(milliseconds(static_cast<milliseconds::rep>(uv_now(uv()))));
}

void UvLoop::run() { uv_run(uv(), UV_RUN_DEFAULT); }
void UvLoop::run_once() { uv_run(uv(), UV_RUN_ONCE); }
void UvLoop::stop() { uv_stop(uv()); }
uv_loop_s* UvLoop::uv() const { return &impl_->loop.uv; }

void UvLoop::want_turn() {
    uv_idle_start(impl_->idle.get(), [](uv_idle_t* idle) noexcept {
        auto* loop = static_cast<UvLoop*>(idle->data);
        loop->run_ready();
        if (!loop->any_ready()) uv_idle_stop(idle);
    });
}

void UvLoop::want_timer(std::optional<MonoTime> at) {
    uv_timer_t* timer = impl_->timer.get();
    if (!at) {
        uv_timer_stop(timer);
        return;
    }
    const milliseconds delay = std::max(*at - now(), milliseconds(0));
    uv_timer_start(
        timer,
        [](uv_timer_t* t) noexcept {
            auto* loop = static_cast<UvLoop*>(t->data);
            loop->run_timers(loop->now());
        },
        static_cast<std::uint64_t>(delay.count()), 0);
}

struct FdWatch::Impl {
    UvHandle<uv_poll_t> poll;
    Fn fn;
    void* arg;
    int wanted = 0;

    int start() { return uv_poll_start(poll.get(), wanted, &Impl::on_poll); }
    static void on_poll(uv_poll_t* poll, int status, int got) noexcept {
        auto* self = static_cast<Impl*>(poll->data);
        unsigned seen = none;
        if (status < 0) {
            self->start(); // libuv has stopped it
            seen = readable | writable;
        }
        if (got & UV_READABLE) seen |= readable;
        if (got & UV_WRITABLE) seen |= writable;
        self->fn(self->arg, seen); // may destroy the watch
    }
};

FdWatch::FdWatch(UvLoop& loop, int fd, Fn fn, void* arg) : impl_(new Impl{{}, fn, arg}) {
    check_uv(uv_poll_init(loop.uv(), impl_->poll.get(), fd), "uv_poll_init");
    impl_->poll->data = impl_.get();
}

FdWatch::~FdWatch() { uv_poll_stop(impl_->poll.get()); }

void FdWatch::set(unsigned events) {
    impl_->wanted = 0;
    if (events & readable) impl_->wanted |= UV_READABLE;
    if (events & writable) impl_->wanted |= UV_WRITABLE;
    if (impl_->wanted == 0)
        uv_poll_stop(impl_->poll.get());
    else
        check_uv(impl_->start(), "uv_poll_start");
}

FdReady::FdReady(UvLoop& loop, int fd, unsigned events)
    : loop_(loop), watch_(loop, fd, &FdReady::on_event, this), events_(events) {}

void FdReady::await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    watch_.set(events_);
}

void FdReady::on_event(void* self, unsigned) {
    auto* ready = static_cast<FdReady*>(self);
    ready->watch_.set(FdWatch::none);
    ready->ready_.post(ready->loop_, Callback::resume(ready->waiter_));
}

struct SignalWatch::Impl {
    UvHandle<uv_signal_t> signal;
    std::function<void()> fn;
};

void block_signals(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals)
        sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalWatch::SignalWatch(UvLoop& loop, int signal, std::function<void()> fn)
    : impl_(new Impl{{}, std::move(fn)}) {
    check_uv(uv_signal_init(loop.uv(), impl_->signal.get()), "uv_signal_init");
    impl_->signal->data = impl_.get();
    check_uv(uv_signal_start(
                 impl_->signal.get(),
                 [](uv_signal_t* s, int) noexcept { static_cast<Impl*>(s->data)->fn(); }, signal),
             "uv_signal_start");
    uv_unref(impl_->signal.base());
}

SignalWatch::~SignalWatch() = default;

struct Inbox::Impl {
    UvHandle<uv_async_t> async;
    std::mutex mutex;
    std::vector<std::move_only_function<void()>> queue;

    void drain() {
        std::vector<std::move_only_function<void()>> batch;
        {
            const std::lock_guard lock(mutex);
            batch.swap(queue);
        }
        for (auto& message : batch)
            message();
    }
};

Inbox::Inbox(UvLoop& loop) : impl_(std::make_unique<Impl>()) {
    check_uv(uv_async_init(loop.uv(), impl_->async.get(),
                           [](uv_async_t* a) noexcept {
                               if (a->data != nullptr) static_cast<Impl*>(a->data)->drain();
                           }),
             "uv_async_init");
    impl_->async->data = impl_.get();
    uv_unref(impl_->async.base());
}

Inbox::~Inbox() = default;

void Inbox::send(std::move_only_function<void()> message) {
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(message));
    uv_async_send(impl_->async.get());
}

} // namespace postseal::async
