// cached_way: the way of a cached answer for `check` to count instructions on, and a full cache
//
//   cached_way turns ROUNDS    answers so often, by each protocol, one request and 16 at a time;
//                              the functions turn_PROTOCOL_DEPTH have the server's share, whole
//   cached_way memory DOMAINS  puts so many, 5 % with MTA-STS and 5 % with DANE, and prints
//                              "resident OCTETS counted OCTETS slowest-put MICROSECONDS", of CPU
//   cached_way flood DOMAINS   asks for so many once each, in a cache of 16 MiB, while 10,000
//   others
//                              are asked for again and again; prints how many of these are found
// SPDX-License-Identifier: BSD-3-Clause
#include "serve/cached_way.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

using namespace postseal;
using test::CachedWay;

// One for each figure, and each with a body that it does not share.
#define TURN(name)                                                                                 \
    [[gnu::noinline]] void name(async::UvLoop& loop) {                                             \
        loop.run_once();                                                                           \
        asm volatile("" : : "r"(#name));                                                           \
    }
extern "C" {
TURN(turn_socketmap_1)
TURN(turn_socketmap_16)
TURN(turn_tcp_table_1)
TURN(turn_tcp_table_16)
TURN(turn_delegation_1)
TURN(turn_delegation_16)
}

namespace {

void answer(config::Protocol protocol, std::size_t depth, void (*turn)(async::UvLoop&),
            int rounds) {
    CachedWay way(protocol);
    const async::Fd client = way.connect(CachedWay::Kind::unix);
    way.ask(client, depth, [](async::UvLoop& loop) { loop.run_once(); });
    for (int i = 0; i < rounds; i++)
        way.ask(client, depth, turn);
}

void turns(int rounds) {
    using config::Protocol;
    answer(Protocol::socketmap, 1, &turn_socketmap_1, rounds);
    answer(Protocol::socketmap, 16, &turn_socketmap_16, rounds);
    answer(Protocol::tcp_table, 1, &turn_tcp_table_1, rounds);
    answer(Protocol::tcp_table, 16, &turn_tcp_table_16, rounds);
    answer(Protocol::delegation, 1, &turn_delegation_1, rounds);
    answer(Protocol::delegation, 16, &turn_delegation_16, rounds);
}

// As the built-in maps have them.
cache::Replies replies_of(int i, const std::string& domain) {
    if (i % 20 == 0)
        return {fmt::format("80:OK secure match=mx1.{0}:mx2.{0}:.{0} servername=hostname,", domain),
                fmt::format("350:OK secure match=mx1.{0}:mx2.{0}:.{0} servername=hostname "
                            "policy_type=sts policy_domain={0} mx_host_pattern=mx1.{0} "
                            "mx_host_pattern=mx2.{0} mx_host_pattern=*.{0} "
                            "{{ policy_string = version: STSv1 }} "
                            "{{ policy_string = mode: enforce }} {{ policy_string = mx: mx1.{0} }} "
                            "{{ policy_string = mx: mx2.{0} }} {{ policy_string = mx: *.{0} }} "
                            "{{ policy_string = max_age: 604800 }},",
                            domain),
                "10:OK enforce,"};
    if (i % 20 == 1) return {"12:OK dane-only,", "12:OK dane-only,", "10:OK enforce,"};
    return {"9:NOTFOUND ,", "9:NOTFOUND ,", "28:OK opportunistic+starttls,"};
}

std::size_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0;
    std::size_t pages = 0;
    statm >> size >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Of this thread: what others do to it does not count.
std::chrono::nanoseconds cpu_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void memory(int domains) {
    cache::Readers readers;
    cache::Cache cache(readers, std::size_t{4} << 30U);
    const MonoTime start{std::chrono::hours(1)};
    std::chrono::nanoseconds slowest{0};
    for (int i = 0; i < domains; i++) {
        const std::string domain = fmt::format("some-usual-domain-{}.example", i);
        const cache::Replies replies = replies_of(i, domain);
        const milliseconds due{i * 7919LL % 3'600'000};
        const auto begin = cpu_time();
        cache.put(domain, replies,
                  {.until = start + std::chrono::hours(1), .due = start + due, .asked = start}, 0);
        slowest = std::max(slowest, cpu_time() - begin);
    }
    fmt::print("resident {} counted {} slowest-put {}\n", resident(), cache.octets(),
               std::chrono::duration_cast<std::chrono::microseconds>(slowest).count());
}

void flood(int domains) {
    constexpr int hot = 10'000;
    cache::Readers readers;
    cache::Cache cache(readers, std::size_t{16} << 20U);
    const MonoTime now{std::chrono::hours(1)};
    const auto ask = [&](const std::string& domain) {
        if (cache.find(domain, now) != nullptr) return true;
        cache.put(domain, replies_of(2, domain), {.until = now + std::chrono::hours(1)}, 0);
        return false;
    };
    int found = 0;
    for (int i = 0; i < domains; i++) {
        const std::string in_use = fmt::format("in-use-{}.example", i % hot);
        found += ask(in_use) && i >= 3 * hot;
        ask(fmt::format("once-{}.example", i));
    }
    fmt::print("found {} of {}\n", found, domains - 3 * hot);
}

} // namespace

int main(int argc, char** argv) {
    const std::string what = argc == 3 ? argv[1] : "";
    if (what == "turns")
        turns(std::atoi(argv[2]));
    else if (what == "memory")
        memory(std::atoi(argv[2]));
    else if (what == "flood")
        flood(std::atoi(argv[2]));
    else
        return 64;
}
