// SPDX-License-Identifier: BSD-3-Clause
#include "async/uv_loop.h"

#include "async/block_on.h"
#include "async/probe.h"
#include "async/timeout.h"
#include "support/no_memory.h"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Live;

namespace {

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd& operator=(Fd&&) = delete;
    ~Fd() {
        if (fd_ >= 0) close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

std::pair<Fd, Fd> make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}
std::pair<Fd, Fd> make_pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}
void put(const Fd& fd) { REQUIRE(write(fd.get(), "x", 1) == 1); }
void take(int fd) {
    char c = 0;
    REQUIRE(read(fd, &c, 1) == 1);
}

// An FdWatch with a closure.
struct Watch {
    Watch(UvLoop& loop, const Fd& fd, std::function<void(unsigned)> f)
        : fn(std::move(f)), watch(loop, fd.get(), &Watch::call, this) {}
    static void call(void* self, unsigned events) { static_cast<Watch*>(self)->fn(events); }
    std::function<void(unsigned)> fn;
    FdWatch watch;
};

Task<> sleep(Loop& loop, milliseconds delay) { co_await Sleep(loop, delay); }
void run_for(UvLoop& loop, milliseconds span) { block_on(loop, sleep(loop, span)); }

struct PostAgain {
    UvLoop& loop;
    Ready ready;
    int calls = 0;
    void post() {
        ready.post(loop, {[](void* p) {
                              auto* self = static_cast<PostAgain*>(p);
                              self->calls++;
                              self->post();
                          },
                          this});
    }
};

} // namespace

TEST_CASE("uv loop: a timer is never early, after long work or a late first turn either") {
    UvLoop loop;
    std::this_thread::sleep_for(30ms); // before the first turn
    auto start = std::chrono::steady_clock::now();
    run_for(loop, 20ms);
    // libuv counts whole milliseconds.
    CHECK(std::chrono::steady_clock::now() - start > 18ms);
    const MonoTime before = loop.now();
    std::this_thread::sleep_for(5ms);
    CHECK(loop.now() - before >= 4ms);
}

TEST_CASE("uv loop: timers in order, stopped ones never") {
    UvLoop loop;
    std::string log;
    struct Mark {
        std::string& log;
        char name;
        Timer timer;
        Callback callback() {
            return {[](void* p) {
                        auto* self = static_cast<Mark*>(p);
                        self->log += self->name;
                    },
                    this};
        }
    };
    Mark a{log, 'a', {}};
    Mark b{log, 'b', {}};
    Mark c{log, 'c', {}};
    a.timer.start(loop, 6ms, a.callback());
    b.timer.start(loop, 2ms, b.callback());
    c.timer.start(loop, 4ms, c.callback());
    c.timer.stop();
    run_for(loop, 10ms);
    CHECK(log == "ba");
}

TEST_CASE("uv loop: an endless run of wake-ups shuts out neither descriptors nor timers") {
    UvLoop loop;
    auto [reader, writer] = make_pipe();
    int events = 0;
    Watch watch(loop, reader, [&](unsigned) { events++; });
    watch.watch.set(FdWatch::readable);
    put(writer);
    PostAgain busy{loop, {}};
    busy.post();
    run_for(loop, 2ms);
    CHECK(events > 0);
    CHECK(busy.calls > 0);
    CHECK(std::abs(busy.calls - events) <= 2); // one each a turn
}

TEST_CASE("uv loop: stop() ends run(), a stop() before it counts, and one after does no harm") {
    UvLoop loop;
    loop.stop();
    loop.run();
    Ready ready;
    ready.post(loop, {[](void* p) { static_cast<UvLoop*>(p)->stop(); }, &loop});
    loop.run();
    loop.stop();
    loop.stop();
}

TEST_CASE("uv loop: ends the process when a watch outlives it") {
    CHECK(test::ends_process([] {
        auto [reader, writer] = make_pipe();
        std::optional<UvLoop> loop(std::in_place);
        Watch watch(*loop, reader, [](unsigned) {});
        watch.watch.set(FdWatch::readable);
        loop.reset();
    }));
}

TEST_CASE("fd watch: level-triggered, for the events asked for, until asked no more") {
    UvLoop loop;
    auto [here, there] = make_pair();
    int reads = 0;
    int writes = 0;
    Watch watch(loop, here, [&](unsigned events) {
        if (events & FdWatch::readable) reads++;
        if (events & FdWatch::writable) writes++;
    });
    CHECK((fcntl(here.get(), F_GETFL) & O_NONBLOCK) != 0);
    put(there);
    run_for(loop, 2ms);
    CHECK(reads == 0); // nothing asked for
    watch.watch.set(FdWatch::readable);
    loop.run_once();
    loop.run_once();
    CHECK(reads == 2); // not yet read
    CHECK(writes == 0);
    watch.watch.set(FdWatch::readable | FdWatch::writable);
    loop.run_once();
    CHECK(reads == 3);
    CHECK(writes == 1);
    take(here.get());
    loop.run_once();
    CHECK(reads == 3);
    CHECK(writes == 2);
    watch.watch.set(FdWatch::none);
    put(there);
    run_for(loop, 2ms);
    CHECK(reads == 3);
    CHECK(writes == 2);
}

TEST_CASE("fd watch: a hang-up and an error are reported, each turn") {
    UvLoop loop;
    SUBCASE("the other end is closed") {
        auto [reader, writer] = make_pipe();
        unsigned seen = 0;
        Watch watch(loop, reader, [&](unsigned events) { seen |= events; });
        watch.watch.set(FdWatch::readable);
        {
            const Fd gone = std::move(writer);
        }
        loop.run_once();
        CHECK((seen & FdWatch::readable) != 0);
    }
    SUBCASE("an error on a pipe that nobody reads") {
        auto [reader, writer] = make_pipe();
        std::vector<unsigned> seen;
        Watch watch(loop, writer, [&](unsigned events) { seen.push_back(events); });
        {
            const Fd gone = std::move(reader);
        }
        watch.watch.set(FdWatch::readable); // not writable
        loop.run_once();
        loop.run_once();
        const unsigned both = FdWatch::readable | FdWatch::writable;
        CHECK(seen == std::vector<unsigned>{both, both});
    }
    SUBCASE("a refused connection") {
        const Fd closed(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* name = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(bind(closed.get(), name, size) == 0); // bound and not listening
        REQUIRE(getsockname(closed.get(), name, &size) == 0);
        const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        unsigned seen = 0;
        REQUIRE(connect(client.get(), name, size) == -1);
        REQUIRE(errno == EINPROGRESS);
        Watch watch(loop, client, [&](unsigned events) { seen |= events; });
        watch.watch.set(FdWatch::writable);
        loop.run_once();
        CHECK((seen & FdWatch::writable) != 0);
        int error = 0;
        socklen_t length = sizeof error;
        REQUIRE(getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0);
        CHECK(error == ECONNREFUSED);
    }
}

TEST_CASE("fd watch: destroyed in its own callback and by another's in the same turn") {
    UvLoop loop;
    auto [reader, writer] = make_pipe();
    put(writer);
    std::unique_ptr<Watch> self;
    self = std::make_unique<Watch>(loop, reader, [&](unsigned) { self.reset(); });
    self->watch.set(FdWatch::readable);
    loop.run_once();
    CHECK(self == nullptr);

    auto [reader2, writer2] = make_pipe();
    put(writer2);
    std::unique_ptr<Watch> a;
    std::unique_ptr<Watch> b;
    int calls = 0;
    a = std::make_unique<Watch>(loop, reader, [&](unsigned) {
        calls++;
        b.reset();
    });
    b = std::make_unique<Watch>(loop, reader2, [&](unsigned) {
        calls++;
        a.reset();
    });
    a->watch.set(FdWatch::readable);
    b->watch.set(FdWatch::readable);
    loop.run_once();
    CHECK(calls == 1);
    CHECK((a == nullptr) != (b == nullptr));
}

TEST_CASE("fd watch: the number of a closed descriptor can be used again at once") {
    UvLoop loop;
    int calls = 0;
    int number = -1;
    {
        auto [reader, writer] = make_pipe();
        number = reader.get();
        Watch watch(loop, reader, [&](unsigned) { calls++; });
        watch.watch.set(FdWatch::readable);
        put(writer);
    }
    auto [reader, writer] = make_pipe();
    REQUIRE(reader.get() == number);
    Watch watch(loop, reader, [&](unsigned) { calls += 10; });
    watch.watch.set(FdWatch::readable);
    run_for(loop, 2ms);
    CHECK(calls == 0);
    put(writer);
    loop.run_once();
    CHECK(calls == 10);
}

TEST_CASE("fd watch: a regular file cannot be watched") {
    UvLoop loop;
    const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_AS(Watch(loop, file, [](unsigned) {}), std::runtime_error);
}

namespace {

Task<int> read_bytes(UvLoop& loop, int fd, int count) {
    int got = 0;
    while (got < count) {
        co_await FdReady(loop, fd, FdWatch::readable);
        take(fd);
        got++;
    }
    co_return got;
}
Task<> write_later(UvLoop& loop, const Fd& fd, int count) {
    for (int i = 0; i < count; i++) {
        co_await Sleep(loop, 1ms);
        co_await FdReady(loop, fd.get(), FdWatch::writable);
        put(fd);
    }
}

} // namespace

TEST_CASE("fd ready: wakes when there is something to read, and is cancelled by a timeout") {
    UvLoop loop;
    auto [reader, writer] = make_pipe();
    Group group(loop);
    group.start(write_later(loop, writer, 3));
    CHECK(block_on(loop, read_bytes(loop, reader.get(), 3)) == 3);
    CHECK_FALSE(block_on(loop, with_timeout(loop, read_bytes(loop, reader.get(), 1), 5ms)));
    put(writer);
    CHECK(block_on(loop, with_timeout(loop, read_bytes(loop, reader.get(), 1), 1s)) == 1);
}

TEST_CASE("signal watch: each watch is called, and none that is gone") {
    UvLoop loop;
    int first = 0;
    int second = 0;
    {
        const SignalWatch a(loop, SIGUSR1, [&] { first++; });
        {
            const SignalWatch b(loop, SIGUSR1, [&] { second++; });
            REQUIRE(raise(SIGUSR1) == 0);
            run_for(loop, 2ms);
            CHECK(first == 1);
            CHECK(second == 1);
        }
        REQUIRE(raise(SIGUSR1) == 0);
        run_for(loop, 2ms);
        CHECK(first == 2);
        CHECK(second == 1);
        REQUIRE(raise(SIGUSR1) == 0); // caught, and the watch gone before the turn
    }
    run_for(loop, 2ms);
    CHECK(first == 2);
}

TEST_CASE("signal watch: a signal ends run()") {
    UvLoop loop;
    const SignalWatch watch(loop, SIGUSR2, [&] { loop.stop(); });
    REQUIRE(raise(SIGUSR2) == 0);
    loop.run();
}

namespace {

Task<> wait_for_count(UvLoop& loop, const std::size_t& count, std::size_t wanted) {
    while (count < wanted)
        co_await Sleep(loop, 1ms);
}

} // namespace

TEST_CASE("inbox: messages of every thread arrive, each thread's in order, on the loop's thread") {
    constexpr std::size_t threads = 4;
    constexpr std::size_t each = 500;
    UvLoop loop;
    Inbox inbox(loop);
    const auto home = std::this_thread::get_id();
    std::array<std::vector<std::size_t>, threads> got;
    std::size_t total = 0;
    std::vector<std::thread> senders;
    senders.reserve(threads);
    for (std::size_t t = 0; t < threads; t++)
        senders.emplace_back([&, t] {
            for (std::size_t i = 0; i < each; i++)
                inbox.send([&, t, i] {
                    CHECK(std::this_thread::get_id() == home);
                    got[t].push_back(i);
                    total++;
                });
        });
    block_on(loop, wait_for_count(loop, total, threads * each));
    for (auto& sender : senders)
        sender.join();
    for (const auto& list : got) {
        REQUIRE(list.size() == each);
        CHECK(std::is_sorted(list.begin(), list.end()));
    }
}

TEST_CASE("inbox: what is sent from the loop's own thread waits for a turn") {
    UvLoop loop;
    Inbox inbox(loop);
    std::size_t calls = 0;
    inbox.send([&] {
        calls++;
        inbox.send([&] { calls++; });
    });
    CHECK(calls == 0);
    loop.run_once();
    CHECK(calls == 1);
    loop.run_once();
    CHECK(calls == 2);
}

TEST_CASE("inbox: messages not run when it ends are dropped, and a message may end it") {
    UvLoop loop;
    int live = 0;
    int calls = 0;
    {
        Inbox inbox(loop);
        inbox.send([&calls, here = Live(live)] { calls++; });
        CHECK(live == 1);
    }
    CHECK(live == 0);
    run_for(loop, 1ms);
    CHECK(calls == 0);

    auto last = std::make_unique<Inbox>(loop);
    last->send([&] { last.reset(); });
    last->send([&] { calls++; }); // taken in the same turn
    loop.run_once();
    CHECK(last == nullptr);
    CHECK(calls == 1);
}

TEST_CASE("libuv gets no memory: no loop, and the next one is good") {
    // Its realloc is let alone: libuv ends the process itself where it gets none there.
    const auto hooked = uv_replace_allocator(
        [](std::size_t size) -> void* {
            return test::NoMemory::refuses() ? nullptr : std::malloc(size);
        },
        std::realloc,
        [](std::size_t count, std::size_t size) -> void* {
            return test::NoMemory::refuses() ? nullptr : std::calloc(count, size);
        },
        std::free);
    REQUIRE(hooked == 0);
    std::size_t refused = 0;
    test::NoMemory::at_each([&](std::size_t n) {
        const test::NoMemory none(n, test::NoMemory::Then::there_is);
        try {
            const UvLoop loop;
        } catch (const std::exception&) {
            CHECK(none.happened());
            refused++;
        }
        return none.happened();
    });
    CHECK(refused > 0);
    REQUIRE(uv_replace_allocator(std::malloc, std::realloc, std::calloc, std::free) == 0);
    const UvLoop loop;
    CHECK(loop.now() > MonoTime{});
}
