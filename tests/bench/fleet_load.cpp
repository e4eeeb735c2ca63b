// fleet_load.cpp: what the nodes of a fleet ask of a shared store, measured
//
//   fleet_load URI NODES DOMAINS SECONDS MISSES
//
// Each node is a thread with a connection of its own and does what fleet/fleet_store.cpp does, as
// often: polls the change feed, leases what is due and offers it as fetched anew, tells of the
// looks of a day, and asks for MISSES destinations a second that it does not know. The tables are
// there and filled (tests/bench/fleet.py). Prints what each kind of question took, as JSON.
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_refresh.h"
#include "fleet/shared_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace postseal;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

constexpr milliseconds poll_every = 850ms; // fleet_store.cpp's
constexpr std::size_t page = 1000;

using Times = std::map<std::string, std::vector<double>>; // ms

struct Setting {
    std::string uri;
    std::size_t nodes = 0;
    std::chrono::seconds length{};
    double misses = 0; // a second and node
    std::size_t domains = 0;
};

class Node {
  public:
    Node(const Setting& setting, std::size_t number)
        : setting_(setting), shared_(setting.uri, {}, interrupt_),
          name_(fmt::format("n{}", number)), random_(number) {}

    void run(Times& times, std::string& fault) {
        const auto about = shared_.check();
        if (!about) {
            fault = about.error().text;
            return;
        }
        feed_.version = about->feed; // its token is taken from the server
        const auto end = Steady::now() + setting_.length;
        const double looks =
            static_cast<double>(setting_.domains) / 86'400 / static_cast<double>(setting_.nodes);
        auto poll = Steady::now() + part(poll_every), lease = Steady::now() + part(15s);
        auto miss = after(setting_.misses), look = after(looks);
        while (Steady::now() < end && fault_.empty()) {
            std::this_thread::sleep_until(std::min({poll, lease, miss, look, end}));
            const auto now = Steady::now();
            if (now >= poll) {
                timed(times, "poll", [&] { return polled(); });
                poll = now + poll_every;
            }
            if (now >= lease) {
                renew(times);
                lease = now + fleet::until_asked_again(chance());
            }
            if (now >= miss) {
                timed(times, "miss", [&] { return shared_.find(any(), any()); });
                miss = after(setting_.misses);
            }
            if (now >= look) {
                tell_of_a_look(times);
                look = after(looks);
            }
        }
        fault = fault_;
    }

  private:
    double chance() { return std::generate_canonical<double, 32>(random_); }
    Steady::duration part(milliseconds most) {
        return std::chrono::duration_cast<Steady::duration>(most * chance());
    }
    Steady::time_point after(double a_second) {
        if (a_second <= 0) return Steady::time_point::max();
        return Steady::now() +
               std::chrono::duration_cast<Steady::duration>(
                   std::chrono::duration<double>(-std::log(1 - chance()) / a_second));
    }
    std::string any() { return fmt::format("d{}.example", random_() % setting_.domains); }

    template <class Ask> void timed(Times& times, const std::string& what, Ask ask) {
        const auto begun = Steady::now();
        const auto answer = ask();
        times[what].push_back(
            std::chrono::duration<double, std::milli>(Steady::now() - begun).count());
        if (!answer) fault_ = answer.error().text;
    }

    fleet::Result<> polled() {
        auto changes = shared_.changes(feed_, page);
        if (!changes) return std::unexpected(std::move(changes.error()));
        feed_ = changes->upto;
        return {};
    }

    void renew(Times& times) {
        std::vector<fleet::SharedPolicy> ours;
        timed(times, "lease", [&]() -> fleet::Result<> {
            auto leased = shared_.lease(name_, fleet::leases_at_once, fleet::lease_for);
            if (!leased) return std::unexpected(std::move(leased.error()));
            ours = *std::move(leased);
            return {};
        });
        for (fleet::SharedPolicy& policy : ours) {
            policy.row.fetched_at = shared_.server_now();
            policy.row.expires_at = policy.row.fetched_at + 24h * 7;
            policy.row.refresh_at = policy.row.fetched_at + 23h;
            policy.row.origin = name_;
            timed(times, "offer",
                  [&] { return shared_.offer({.policies = {policy}, .looks = {}}); });
        }
    }

    void tell_of_a_look(Times& times) {
        const WallTime now = shared_.server_now();
        const fleet::SharedNexthop look{.row = {.nexthop = any(),
                                                .dane = false,
                                                .dane_seen_at = now,
                                                .verdict = "enforce",
                                                .row = 13,
                                                .verdict_since = now - 24h,
                                                .seen_at = now},
                                        .forgotten_at = {}};
        timed(times, "offer", [&] { return shared_.offer({.policies = {}, .looks = {look}}); });
    }

    const Setting& setting_;
    fleet::Interrupt interrupt_;
    fleet::SharedStore shared_;
    std::string name_, fault_;
    std::mt19937_64 random_;
    fleet::FeedVersion feed_;
};

void print(const Setting& setting, Times& times) {
    std::string out;
    std::size_t all = 0;
    for (auto& [what, took] : times) {
        std::ranges::sort(took);
        const auto at = [&](double share) {
            return took[static_cast<std::size_t>(static_cast<double>(took.size() - 1) * share)];
        };
        all += took.size();
        out += fmt::format(
            "\"{}\": {{\"a_second\": {:.2f}, \"median_ms\": {:.2f}, "
            "\"p99_ms\": {:.2f}, \"longest_ms\": {:.2f}}}, ",
            what, static_cast<double>(took.size()) / static_cast<double>(setting.length.count()),
            at(0.5), at(0.99), took.back());
    }
    fmt::print("{{{}\"questions_a_second\": {:.1f}}}\n", out,
               static_cast<double>(all) / static_cast<double>(setting.length.count()));
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() != 5) {
        fmt::print(stderr, "usage: fleet_load URI NODES DOMAINS SECONDS MISSES\n");
        return 64;
    }
    const Setting setting{.uri = words[0],
                          .nodes = std::stoul(words[1]),
                          .length = std::chrono::seconds(std::stoi(words[3])),
                          .misses = std::stod(words[4]),
                          .domains = std::stoul(words[2])};
    std::vector<Times> times(setting.nodes);
    std::vector<std::string> faults(setting.nodes);
    {
        std::vector<std::jthread> nodes;
        nodes.reserve(setting.nodes);
        for (std::size_t i = 0; i < setting.nodes; i++)
            nodes.emplace_back([&, i] { Node(setting, i).run(times[i], faults[i]); });
    }
    Times all;
    for (const Times& one : times)
        for (const auto& [what, took] : one)
            all[what].insert(all[what].end(), took.begin(), took.end());
    for (const std::string& fault : faults) {
        if (fault.empty()) continue;
        fmt::print(stderr, "{}\n", fault);
        return 1;
    }
    print(setting, all);
    return 0;
}
