// load: asks a socketmap server as fast as it answers, or at a steady rate, and times the answers
//
// One JSON object on standard output: requests a second, the times' percentiles in microseconds (of
// all samples, by nearest rank), how many took longer than 1 and 5 ms, and the replies by their
// first word. Status: 0, or 1 for whatever went wrong, or 3 if a reply was not the one in the key
// file.
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/client.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

namespace {

using namespace postseal::bench;

struct Arguments {
    std::string to;
    std::string keys;
    std::string map = "postfix";
    bool zipf = false;
    bool warm_up = false;
    std::uint64_t seed = 1;
    Demand demand;
};

// In microseconds, of sorted samples.
double percentile(const std::vector<std::uint64_t>& sorted, double percent) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
    return static_cast<double>(sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1]) / 1000;
}

auto longer_than(const std::vector<std::uint64_t>& sorted, std::uint64_t ns) {
    return sorted.end() - std::ranges::upper_bound(sorted, ns);
}

nlohmann::ordered_json report(Outcome& outcome) {
    std::vector<std::uint64_t>& times = outcome.times;
    std::ranges::sort(times);
    const double seconds = static_cast<double>(outcome.end - outcome.begin) / 1e9;
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    return {{"requests", times.size()},
            {"seconds", seconds},
            {"rate", static_cast<double>(times.size()) / seconds},
            {"p50", percentile(times, 50)},
            {"p90", percentile(times, 90)},
            {"p99", percentile(times, 99)},
            {"p999", percentile(times, 99.9)},
            {"max", percentile(times, 100)},
            {"over_1ms", longer_than(times, 1'000'000)},
            {"over_5ms", longer_than(times, 5'000'000)},
            {"words", outcome.words},
            {"unexpected", outcome.unexpected},
            {"first_unexpected", outcome.first_unexpected},
            {"generator_cpu", cpu}};
}

int run(const Arguments& arguments) {
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const std::vector<Key> keys = read_keys(arguments.keys, arguments.map);
    const Endpoint endpoint(arguments.to);
    Order order =
        arguments.zipf ? Order::zipf(keys.size(), arguments.seed) : Order::in_turn(keys.size());
    if (arguments.warm_up) {
        Demand gentle = arguments.demand;
        gentle.rate = 0;
        const Outcome ignored =
            Client(endpoint, keys, gentle).run(Order::in_turn(keys.size()), keys.size());
    }
    Client client(endpoint, keys, arguments.demand);
    const std::uint64_t requests =
        arguments.demand.requests > 0 ? arguments.demand.requests : keys.size();
    Outcome outcome = client.run(std::move(order), requests);
    fmt::print("{}\n", report(outcome).dump());
    return outcome.unexpected > 0 ? 3 : 0;
}

} // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{"Asks a socketmap server and times its answers.", "load"};
    app.add_option("--to", arguments.to, "ADDRESS:PORT, or the path of a unix socket")->required();
    app.add_option("--keys", arguments.keys, "file: a key a line, behind a tab the reply expected")
        ->required();
    app.add_option("--map", arguments.map, "(default postfix)");
    app.add_option("--connections", arguments.demand.connections, "(default 1)");
    app.add_option("--in-flight", arguments.demand.in_flight,
                   "requests outstanding on each connection (default 1: ping-pong)");
    app.add_option("--rate", arguments.demand.rate,
                   "requests a second in all, whatever the server does; times count from when each "
                   "was due");
    app.add_option("--together", arguments.demand.together,
                   "with --rate: so many fall due at once, on one connection (default 1)")
        ->check(CLI::PositiveNumber);
    app.add_option("--requests", arguments.demand.requests, "(default 1000; 0: once for each key)");
    app.add_option("--limit", arguments.demand.limit, "seconds, then give up (default 60)");
    app.add_option("--seed", arguments.seed, "(default 1)");
    app.add_flag("--zipf", arguments.zipf, "the first keys of the file most often");
    app.add_flag("--warm-up", arguments.warm_up, "ask for each key once before");
    CLI11_PARSE(app, argc, argv);
    return run(arguments);
}
