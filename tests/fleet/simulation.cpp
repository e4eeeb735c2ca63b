// simulation.cpp: what a fleet asks of its server and of policy hosts, in virtual time
//
//   fleet_simulation [NODES DOMAINS DAYS OUTAGE]     1000 nodes, 1,000,000 domains, 2 days, 60 s
//
// The rules of fleet/shared_refresh.h and engine/validity.h, the lease table as the server keeps
// it, and nodes as they are: each learns of a fetch by the feed, asks for leases, starts a fetch
// every 50 ms and 16 at once; fetches take 0.1 to 1 s, one in a hundred takes 30 s; a node an hour
// is killed in the middle of its work. On the last day the server is away for OUTAGE seconds, and
// each node goes on alone. Every domain has a policy, of a week, a tenth of them of a day.
// Prints what the last day took. Status 1: more than 1.1 fetches a domain, or a policy that ran
// out.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/validity.h"
#include "fleet/shared_refresh.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <queue>
#include <random>
#include <string>
#include <vector>

using namespace postseal;
using namespace std::chrono_literals;

namespace {

constexpr milliseconds poll_every = 850ms; // fleet_store.cpp's
constexpr milliseconds between_fetches = 50ms;
constexpr milliseconds share_delay = 50ms;
constexpr milliseconds due_for = 1s;
constexpr int day = 24 * 3600;

struct Setting {
    std::size_t nodes = 1000;
    std::size_t domains = 1'000'000;
    int days = 2;
    int outage = 60; // seconds
};

struct Domain {
    WallTime refresh_at, expires_at;
    milliseconds life{};
    WallTime lease_until;
    std::uint32_t turn = 0; // what was planned for it before counts for nothing
};

struct Counts {
    std::uint64_t fetches = 0, alone = 0, asks = 0, leased = 0, offers = 0, expired = 0, killed = 0;
};

class Fleet {
  public:
    explicit Fleet(const Setting& setting)
        : setting_(setting), domains_(setting.domains), nodes_(setting.nodes) {
        for (std::uint32_t i = 0; i < domains_.size(); i++) {
            Domain& domain = domains_[i];
            domain.life = i % 10 == 0 ? 24h : 24h * 7;
            const WallTime fetched =
                now_ - milliseconds(static_cast<std::int64_t>(chance() * 22 * 3600e3));
            domain.expires_at = fetched + domain.life;
            domain.refresh_at =
                std::max(engine::refresh_time(fetched, domain.expires_at, chance()), now_);
            plan(i, domain.refresh_at + due_for);
        }
        for (std::uint32_t i = 0; i < nodes_.size(); i++)
            at(now_ + later(15s), Event::Kind::ask, i, 0);
        const WallTime last_day = begin_ + seconds(day) * (setting.days - 1);
        away_from_ = last_day + 6h;
        away_until_ = away_from_ + seconds(setting.outage);
        if (setting.outage > 0) at(away_from_, Event::Kind::away, 0, 0);
        at(last_day, Event::Kind::count, 0, 0);
        for (WallTime t = begin_ + 30min; t < begin_ + seconds(day) * setting.days; t += 1h)
            at(t, Event::Kind::kill, 0, 0);
    }

    Counts run() {
        const WallTime end = begin_ + seconds(day) * setting_.days;
        while (!events_.empty() && events_.top().at < end) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.at;
            step(event);
        }
        for (const Domain& domain : domains_)
            counts_.expired += domain.expires_at <= end ? 1 : 0;
        return counts_;
    }

  private:
    struct Event {
        enum class Kind : std::uint8_t { ask, fetched, alone, away, count, kill };
        WallTime at;
        std::uint32_t who = 0, what = 0;
        std::uint32_t life = 0; // of the node that does it
        Kind kind = Kind::ask;
        bool operator<(const Event& other) const { return at > other.at; }
    };
    struct Planned {
        WallTime at;
        std::uint32_t domain = 0, turn = 0;
        bool operator<(const Planned& other) const { return at > other.at; }
    };
    struct Node {
        std::uint32_t life = 0; // counts its deaths
        WallTime free_at;       // to start the next fetch
    };

    double chance() { return std::generate_canonical<double, 32>(random_); }
    milliseconds later(milliseconds most) {
        return milliseconds(
            static_cast<std::int64_t>(chance() * static_cast<double>(most.count())));
    }
    void at(WallTime when, Event::Kind kind, std::uint32_t who, std::uint32_t what) {
        events_.push({when, who, what, who < nodes_.size() ? nodes_[who].life : 0, kind});
    }
    void plan(std::uint32_t domain, WallTime when) {
        due_.push({when, domain, ++domains_[domain].turn});
    }
    [[nodiscard]] bool is_away() const { return now_ >= away_from_ && now_ < away_until_; }

    void step(const Event& event) {
        switch (event.kind) {
        case Event::Kind::ask:
            return ask(event.who);
        case Event::Kind::fetched:
            // Killed meanwhile: the lease runs out.
            if (event.life == nodes_[event.who].life) fetched(event.what);
            return;
        case Event::Kind::alone:
            return fetched_alone(event.what);
        case Event::Kind::away:
            return begin_alone();
        case Event::Kind::count:
            counts_ = {};
            return;
        case Event::Kind::kill:
            counts_.killed++;
            nodes_[victim()].life++; // it starts again at once
            return;
        }
    }

    // One that has work, if there is one.
    std::uint32_t victim() const {
        for (std::uint32_t i = 0; i < nodes_.size(); i++)
            if (nodes_[i].free_at > now_) return i;
        return 0;
    }

    void ask(std::uint32_t who) {
        if (is_away()) return at(away_until_ + later(60s), Event::Kind::ask, who, 0);
        counts_.asks++;
        std::size_t got = 0;
        Node& node = nodes_[who];
        node.free_at = std::max(node.free_at, now_);
        while (got < fleet::leases_at_once && !due_.empty() && due_.top().at <= now_) {
            const Planned planned = due_.top();
            due_.pop();
            Domain& domain = domains_[planned.domain];
            if (planned.turn != domain.turn) continue;
            domain.lease_until = now_ + fleet::lease_for;
            plan(planned.domain, domain.lease_until);
            node.free_at += between_fetches;
            counts_.fetches++;
            const milliseconds takes = chance() < 0.01 ? 30s : 100ms + later(900ms);
            at(node.free_at + takes + share_delay, Event::Kind::fetched, who, planned.domain);
            got++;
        }
        counts_.leased += got;
        const milliseconds pause =
            got == fleet::leases_at_once ? node.free_at - now_ : fleet::until_asked_again(chance());
        at(now_ + pause, Event::Kind::ask, who, 0);
    }

    void renew(Domain& domain) {
        if (domain.expires_at <= now_) counts_.expired++;
        domain.expires_at = now_ + domain.life;
        domain.refresh_at = engine::refresh_time(now_, domain.expires_at, chance());
    }

    void fetched(std::uint32_t which) {
        renew(domains_[which]);
        counts_.offers++;
        plan(which, domains_[which].refresh_at + due_for);
    }

    // Each node for each domain that becomes due meanwhile: when its own time to look comes.
    void begin_alone() {
        for (std::uint32_t i = 0; i < domains_.size(); i++) {
            const Domain& domain = domains_[i];
            if (domain.refresh_at >= away_until_) continue;
            const WallTime from = std::max(domain.refresh_at, away_from_);
            for (std::size_t node = 0; node < nodes_.size(); node++) {
                const WallTime looks = fleet::put_off(from, domain.expires_at, chance());
                if (looks < away_until_) at(looks, Event::Kind::alone, 0, i);
            }
        }
    }
    // It is told to the others when the server is back.
    void fetched_alone(std::uint32_t which) {
        counts_.fetches++;
        counts_.alone++;
        counts_.offers++;
        renew(domains_[which]);
        plan(which, domains_[which].refresh_at + due_for);
    }

    Setting setting_;
    std::mt19937_64 random_{1}; // the same each time
    WallTime begin_{24h * 20'000};
    WallTime now_ = begin_;
    WallTime away_from_, away_until_;
    std::vector<Domain> domains_;
    std::vector<Node> nodes_;
    std::priority_queue<Event> events_;
    std::priority_queue<Planned> due_;
    Counts counts_;
};

void print(const Setting& setting, const Counts& counts) {
    const auto a_second = [](std::uint64_t count) { return static_cast<double>(count) / day; };
    const double nodes = static_cast<double>(setting.nodes);
    const double polls = nodes * 1000 / static_cast<double>(poll_every.count());
    const double changes = a_second(counts.offers);
    // A poll that finds something asks for rows of three tables.
    const double with_news =
        1 - std::exp(-changes * static_cast<double>(poll_every.count()) / 1000);
    fmt::print("{} nodes, {} domains; the server away for {} s, {} nodes killed\n", setting.nodes,
               setting.domains, setting.outage, counts.killed);
    fmt::print("{:<34}{:.4f}\n", "fetches a domain and day",
               static_cast<double>(counts.fetches) / static_cast<double>(setting.domains));
    fmt::print("{:<34}{}\n", "  of them without the server", counts.alone);
    fmt::print("{:<34}{}\n", "policies that ran out", counts.expired);
    fmt::print("{:<34}{:.1f}\n", "server: polls a second", polls);
    fmt::print("{:<34}{:.1f}\n", "server: reads of news a second", 3 * polls * with_news);
    fmt::print("{:<34}{:.1f}\n", "server: lease queries a second", a_second(counts.asks));
    fmt::print("{:<34}{:.1f}\n", "server: policies written a second", changes);
    fmt::print("{:<34}{:.1f}\n", "server: rows told to nodes, a second", changes * nodes);
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    Setting setting;
    if (words.size() == 4)
        setting = {std::stoul(words[0]), std::stoul(words[1]), std::stoi(words[2]),
                   std::stoi(words[3])};
    const Counts counts = Fleet(setting).run();
    print(setting, counts);
    const double a_domain =
        static_cast<double>(counts.fetches) / static_cast<double>(setting.domains);
    return a_domain >= 1 && a_domain <= 1.1 && counts.expired == 0 ? 0 : 1;
}
