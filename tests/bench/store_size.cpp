// store_size: fills the database of a state_dir, and times what the daemon does with one of that
// size
//
//   store_size fill FOLDER N      N nexthops, 5 % of them with an MTA-STS policy and 5 % with DANE
//   store_size measure FOLDER N   one JSON object: what a load costs, and what refreshing does
//
// Through the daemon's own schema and statements. Names are spread evenly over all that there can
// be. They are put in order, every fourth in a first round and so on: pages split and stay partly
// empty as they do when names come as they like, but ten million take minutes and not hours.
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/clock.h"
#include "bench/endpoint.h"
#include "store/database.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <limits>
#include <numeric>
#include <random>
#include <string_view>

namespace {

using namespace postseal;
using bench::die;

constexpr std::size_t batch = 20'000;
constexpr std::size_t rounds = 4;
constexpr std::size_t samples = 20'000;

std::uint64_t cpu_ns() { return bench::read_clock(CLOCK_PROCESS_CPUTIME_ID); }

template <class T> T must(store::DbResult<T> result) {
    if (!result) die("{}", result.error().text);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Multiples of the golden ratio lie far apart, so no name comes twice.
std::uint64_t place_of(std::uint64_t number) { return number * 0x9E3779B97F4A7C15U >> 16U; }

std::string name_of(std::uint64_t number) {
    return fmt::format("d{:012x}.bench.example", place_of(number));
}

bool has_policy(std::uint64_t number) { return number % 20 == 0; }
bool has_dane(std::uint64_t number) { return number % 20 == 1; }

store::StsRow policy_of(std::uint64_t number, WallTime now) {
    // As the daemon spreads them: due within a day.
    const milliseconds due{static_cast<milliseconds::rep>(number * 7919 % 86'400'000)};
    return {.domain = Domain::parse(name_of(number)).value(),
            .body = fmt::format("version: STSv1\r\nmode: enforce\r\nmx: mx1.provider{0}.example\r\n"
                                "mx: mx2.provider{0}.example\r\nmax_age: 604800\r\n",
                                number % 50),
            .id = fmt::format("2026{:010}", number),
            .fetched_at = now + due - std::chrono::hours(24),
            .expires_at = now + due + std::chrono::hours(6 * 24),
            .refresh_at = now + due};
}

store::NexthopRow nexthop_of(std::uint64_t number, WallTime now) {
    return {.nexthop = name_of(number),
            .dane = has_dane(number),
            .dane_seen_at = now,
            .verdict = has_policy(number) ? "enforce"
                       : has_dane(number) ? "dane-only"
                                          : "may",
            .row = has_policy(number) ? 11
                   : has_dane(number) ? 6
                                      : 13,
            .verdict_since = now,
            .seen_at = now};
}

WallTime wall_now() {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

std::string file_in(const std::string& folder) { return folder + "/postseal.db"; }

void fill(const std::string& folder, std::uint64_t count) {
    std::filesystem::create_directories(folder);
    auto database = must(store::Database::open(file_in(folder)));
    const WallTime now = wall_now();
    std::vector<std::uint64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::uint64_t{0});
    std::ranges::sort(numbers, {}, place_of);
    for (std::size_t round = 0; round < rounds; round++) {
        store::Batch rows;
        for (std::size_t i = round; i < count; i += rounds) {
            rows.nexthops.put(nexthop_of(numbers[i], now));
            if (has_policy(numbers[i])) rows.sts.put(policy_of(numbers[i], now));
            if (rows.size() < batch) continue;
            must(database->write(rows));
            rows = {};
        }
        must(database->write(rows));
    }
}

// What a lookup needs of the store (DatabaseFile::load()): both tables, one key each.
nlohmann::ordered_json measure_loads(store::Database& database, std::uint64_t count) {
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::uint64_t> any(0, count - 1);
    std::vector<std::uint64_t> times;
    std::uint64_t min_cpu = std::numeric_limits<std::uint64_t>::max();
    // The first round brings what it needs into memory; of the others the one least disturbed
    // counts.
    for (int round = 0; round < 5; round++) {
        times.clear();
        random.seed(1);
        const std::uint64_t cpu = cpu_ns();
        for (std::size_t n = 0; n < samples; n++) {
            const std::string name = name_of(any(random));
            const Domain domain = Domain::parse(name).value();
            const std::uint64_t begin = bench::now_ns();
            const auto sts = must(database.find_sts(domain));
            const auto nexthop = must(database.find_nexthop(name));
            times.push_back(bench::now_ns() - begin);
            if (!nexthop) die("{} is not in the store", name);
        }
        min_cpu = std::min(min_cpu, cpu_ns() - cpu);
    }
    std::ranges::sort(times);
    const auto us = [&](std::size_t per_mille) {
        return static_cast<double>(times[(samples - 1) * per_mille / 1000]) / 1000;
    };
    return {{"load_p50_us", us(500)},
            {"load_p99_us", us(990)},
            {"load_cpu_us", static_cast<double>(min_cpu) / 1000 / samples}};
}

// An hour of refreshing, as engine/refresh.h and engine/sts_lookup.h go about it, without DNS and
// HTTPS: what is due is asked for, loaded, and written with its next time.
nlohmann::ordered_json measure_refresh(store::Database& database, std::uint64_t count) {
    constexpr std::size_t at_once = 64;
    const std::uint64_t an_hour = count / 20 / 24;
    const std::uint64_t done_here = std::clamp<std::uint64_t>(an_hour, at_once, 5000);
    const std::uint64_t cpu = cpu_ns();
    std::uint64_t done = 0;
    while (done < done_here) {
        store::Batch rows;
        for (const store::RefreshDue& due : must(database.next_refreshes(at_once))) {
            auto row = must(database.find_sts(due.domain));
            if (!row) die("{} is due and not there", due.domain.name());
            row->refresh_at = row->refresh_at.value() + std::chrono::hours(24);
            rows.sts.put(std::move(*row));
            done++;
        }
        if (rows.empty()) break;
        must(database.write(rows));
    }
    const double each =
        static_cast<double>(cpu_ns() - cpu) / static_cast<double>(std::max<std::uint64_t>(done, 1));
    return {{"refresh_us_each", each / 1000},
            {"refreshes_an_hour", an_hour},
            {"refresh_cpu_s_an_hour", each * static_cast<double>(an_hour) / 1e9}};
}

void measure(const std::string& folder, std::uint64_t count) {
    const std::uint64_t begin = bench::now_ns();
    auto database = must(store::Database::open(file_in(folder)));
    nlohmann::ordered_json report{{"domains", count},
                                  {"file_octets", std::filesystem::file_size(file_in(folder))},
                                  {"open_ms", static_cast<double>(bench::now_ns() - begin) / 1e6}};
    report.update(measure_loads(*database, count));
    report.update(measure_refresh(*database, count));
    fmt::print("{}\n", report.dump());
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    std::uint64_t count = 0;
    if (words.size() == 3)
        std::from_chars(words[2].data(), words[2].data() + words[2].size(), count);
    const std::string folder(words.size() == 3 ? words[1] : "");
    if (count > 0 && words[0] == "fill")
        fill(folder, count);
    else if (count > 0 && words[0] == "measure")
        measure(folder, count);
    else
        die("usage: store_size fill|measure FOLDER N");
}
