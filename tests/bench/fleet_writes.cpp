// fleet_writes.cpp: how many writes a second the nodes of a fleet get into a shared store
//
//   fleet_writes URI NODES SECONDS
//
// Each node is a thread with a connection of its own, which offers one row that nobody has after
// the other. Prints what they reach, as JSON. tests/bench/fleet_writes.py puts the distance
// between.
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace postseal;
using Steady = std::chrono::steady_clock;

namespace {

struct Result {
    std::vector<double> took; // ms
    std::size_t failed = 0;
    std::string fault;
};

void write(const std::string& uri, std::size_t node, std::chrono::seconds length, Result& result) {
    const fleet::Interrupt interrupt;
    fleet::SharedStore shared(
        uri, {.connect = milliseconds(60'000), .answer = milliseconds(60'000)}, interrupt);
    if (const auto about = shared.check(); !about) {
        result.fault = about.error().text;
        return;
    }
    const auto end = Steady::now() + length;
    for (std::size_t i = 0; Steady::now() < end; i++) {
        const WallTime now = shared.server_now();
        const fleet::SharedNexthop look{.row = {.nexthop = fmt::format("w{}-{}.example", node, i),
                                                .dane = true,
                                                .dane_seen_at = now,
                                                .verdict = "dane",
                                                .row = 6,
                                                .verdict_since = now,
                                                .seen_at = now},
                                        .forgotten_at = {}};
        const auto begun = Steady::now();
        const auto written = shared.offer({.policies = {}, .looks = {look}});
        result.took.push_back(
            std::chrono::duration<double, std::milli>(Steady::now() - begun).count());
        if (written && written->written == 1) continue;
        result.failed++;
        result.took.pop_back();
        if (!written) result.fault = written.error().text;
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() != 3) {
        fmt::print(stderr, "usage: fleet_writes URI NODES SECONDS\n");
        return 64;
    }
    const std::chrono::seconds length(std::stoi(words[2]));
    std::vector<Result> results(std::stoul(words[1]));
    {
        std::vector<std::jthread> nodes;
        nodes.reserve(results.size());
        for (std::size_t i = 0; i < results.size(); i++)
            nodes.emplace_back([&, i] { write(words[0], i, length, results[i]); });
    }
    std::vector<double> took;
    std::size_t failed = 0;
    for (const Result& one : results) {
        took.insert(took.end(), one.took.begin(), one.took.end());
        failed += one.failed;
        if (!one.fault.empty()) fmt::print(stderr, "{}\n", one.fault);
    }
    if (took.empty()) return 1;
    std::ranges::sort(took);
    const auto at = [&](double share) {
        return took[static_cast<std::size_t>(static_cast<double>(took.size() - 1) * share)];
    };
    fmt::print("{{\"nodes\": {}, \"writes_a_second\": {:.1f}, \"median_ms\": {:.0f}, \"p99_ms\": "
               "{:.0f}, \"failed\": {}}}\n",
               results.size(),
               static_cast<double>(took.size()) / static_cast<double>(length.count()), at(0.5),
               at(0.99), failed);
    return 0;
}
