// loop_probe.so: how long each loop of a program goes without looking at its descriptors
//
//   LD_PRELOAD=loop_probe.so LOOP_PROBE=FILE postseald ...
//
// Stands in for epoll_wait(2) and epoll_pwait(2). A turn is what a thread does from the return of
// one such call to the next one; it is measured in the thread's own CPU time, which leaves out when
// another process had the core, and in time on the wall. Counted is what lies between the first
// SIGUSR2 and the second; at the end of the program FILE gets a JSON object with the longest turns
// of each thread in microseconds. Four clock calls a turn are what it costs: not for throughput.
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/clock.h"

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace {

using postseal::bench::read_clock;

struct Turns {
    std::array<char, 16> name{};
    int id = 0;
    std::uint64_t turns = 0;
    std::uint64_t longest_cpu = 0; // ns
    std::uint64_t longest_wall = 0;
    std::uint64_t over_1ms = 0; // of CPU
    std::uint64_t over_5ms = 0;

    void note(std::uint64_t cpu, std::uint64_t wall) {
        turns++;
        longest_cpu = std::max(longest_cpu, cpu);
        longest_wall = std::max(longest_wall, wall);
        if (cpu > 1'000'000) over_1ms++;
        if (cpu > 5'000'000) over_5ms++;
    }
};

// The threads of a process, for its whole life: they may outlive main()'s objects.
struct Report {
    std::mutex mutex;
    std::vector<Turns*> threads;

    static Report& get() {
        static auto* report = new Report;
        return *report;
    }
    void write() {
        const char* path = std::getenv("LOOP_PROBE");
        std::FILE* out = path != nullptr ? std::fopen(path, "w") : nullptr;
        if (out == nullptr) return;
        const std::lock_guard lock(mutex);
        const char* comma = "";
        std::fprintf(out, "{\"threads\": [");
        for (const Turns* t : threads) {
            std::fprintf(out,
                         "%s\n {\"name\": \"%s\", \"id\": %d, \"turns\": %ju, \"cpu_us\": %.1f, "
                         "\"wall_us\": %.1f, \"over_1ms\": %ju, \"over_5ms\": %ju}",
                         comma, t->name.data(), t->id, std::uintmax_t{t->turns},
                         static_cast<double>(t->longest_cpu) / 1000,
                         static_cast<double>(t->longest_wall) / 1000, std::uintmax_t{t->over_1ms},
                         std::uintmax_t{t->over_5ms});
            comma = ",";
        }
        std::fprintf(out, "]}\n");
        std::fclose(out);
    }
};

std::atomic<unsigned> signals{0};

// Between the end of one wait and the beginning of the next.
class Probe {
  public:
    void before_wait() {
        if (turns_ == nullptr) return;
        turns_->note(read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu_,
                     read_clock(CLOCK_MONOTONIC) - wall_);
    }
    void after_wait() {
        const bool counted = signals.load(std::memory_order_relaxed) == 1;
        turns_ = counted ? &own() : nullptr;
        if (!counted) return;
        cpu_ = read_clock(CLOCK_THREAD_CPUTIME_ID);
        wall_ = read_clock(CLOCK_MONOTONIC);
    }

  private:
    Turns& own() {
        if (own_ != nullptr) return *own_;
        own_ = new Turns;
        own_->id = ::gettid();
        ::prctl(PR_GET_NAME, own_->name.data());
        Report& report = Report::get();
        const std::lock_guard lock(report.mutex);
        report.threads.push_back(own_);
        return *own_;
    }

    Turns* own_ = nullptr;
    Turns* turns_ = nullptr; // while it counts
    std::uint64_t cpu_ = 0;
    std::uint64_t wall_ = 0;
};

thread_local Probe probe;

template <class F> F* next(const char* name) {
    return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

struct Installed {
    Installed() {
        struct sigaction action{};
        action.sa_handler = [](int) { signals.fetch_add(1, std::memory_order_relaxed); };
        ::sigaction(SIGUSR2, &action, nullptr);
    }
    ~Installed() { Report::get().write(); }
};
const Installed installed;

} // namespace

extern "C" int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    static auto* real = next<decltype(epoll_wait)>("epoll_wait");
    probe.before_wait();
    const int count = real(epoll, events, most, timeout);
    probe.after_wait();
    return count;
}

extern "C" int epoll_pwait(int epoll, epoll_event* events, int most, int timeout,
                           const sigset_t* mask) {
    static auto* real = next<decltype(epoll_pwait)>("epoll_pwait");
    probe.before_wait();
    const int count = real(epoll, events, most, timeout, mask);
    probe.after_wait();
    return count;
}
