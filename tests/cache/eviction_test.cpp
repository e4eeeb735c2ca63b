// Hit rates on traces, beside plain FIFO and CLOCK of the same size; made numbers, so the same ones
// each time.
// SPDX-License-Identifier: BSD-3-Clause
#include "cache/eviction.h"

#include "cache/cache.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::cache;
using namespace std::chrono_literals;

namespace {

constexpr MonoTime now{1h};
constexpr std::size_t room = std::size_t{2} << 20U;

// True: it was there. Puts it if not.
class Ours {
  public:
    bool ask(std::uint32_t domain) {
        const std::string key = fmt::format("domain-{:08}.example", domain);
        if (cache_.find(key, now) != nullptr) return true;
        cache_.put(key, {"9:NOTFOUND ,"}, {.until = now + 1h, .asked = now}, 0);
        return false;
    }
    [[nodiscard]] std::size_t size() const { return cache_.size(); }

  private:
    Readers readers_;
    Cache cache_{readers_, room};
};

// FIFO; CLOCK: as FIFO, but what was used since goes round again.
class Plain {
  public:
    enum class Kind { fifo, clock };
    Plain(Kind kind, std::size_t most) : kind_(kind), most_(most) {}
    bool ask(std::uint32_t domain) {
        if (const auto found = used_.find(domain); found != used_.end())
            return found->second = true;
        while (used_.size() >= most_) {
            const std::uint32_t first = queue_.front();
            queue_.pop_front();
            if (kind_ == Kind::clock && std::exchange(used_[first], false))
                queue_.push_back(first);
            else
                used_.erase(first);
        }
        used_.emplace(domain, false);
        queue_.push_back(domain);
        return false;
    }

  private:
    Kind kind_;
    std::size_t most_;
    std::deque<std::uint32_t> queue_;
    std::unordered_map<std::uint32_t, bool> used_;
};

// Popular as domains are: the n-th is asked for 1/n as often as the first.
class Popular {
  public:
    explicit Popular(std::uint32_t domains) : log_(std::log(domains)) {}
    std::uint32_t next() {
        const double u = static_cast<double>(random_()) / 4294967296.0;
        return static_cast<std::uint32_t>(std::exp(u * log_));
    }

  private:
    double log_;
    std::mt19937 random_{1};
};

// So many entries as ours has when it is full.
std::size_t full_size() {
    Ours ours;
    for (std::uint32_t i = 0; i < 40'000; i++)
        ours.ask(i);
    return ours.size();
}

struct Rates {
    double ours = 0;
    double fifo = 0;
    double clock = 0;
};

// Of the questions of `trace` from `begin` on that are below `counted`.
Rates rates(const std::vector<std::uint32_t>& trace, std::size_t begin, std::uint32_t counted) {
    Ours ours;
    Plain fifo(Plain::Kind::fifo, full_size());
    Plain clock(Plain::Kind::clock, full_size());
    Rates hits;
    double questions = 0;
    for (std::size_t i = 0; i < trace.size(); i++) {
        const std::uint32_t domain = trace[i];
        const Rates hit{double(ours.ask(domain)), double(fifo.ask(domain)),
                        double(clock.ask(domain))};
        if (i < begin || domain >= counted) continue;
        questions++;
        hits = {hits.ours + hit.ours, hits.fifo + hit.fifo, hits.clock + hit.clock};
    }
    return {hits.ours / questions, hits.fifo / questions, hits.clock / questions};
}

} // namespace

TEST_CASE("eviction: a flood of names asked for once does not push out what is asked for again") {
    constexpr std::uint32_t working_set = 4'000;
    std::vector<std::uint32_t> trace;
    Popular popular(working_set);
    for (std::uint32_t i = 0; i < 20'000; i++)
        trace.push_back(popular.next());
    for (std::uint32_t i = 0; i < 150'000; i++) {
        trace.push_back(1'000'000 + i);
        if (i % 5 == 0) trace.push_back(popular.next()); // mail goes on
    }
    const Rates got = rates(trace, 20'000, working_set + 1);
    MESSAGE(fmt::format("flood: ours {:.3f}, FIFO {:.3f}, CLOCK {:.3f}, {} entries", got.ours,
                        got.fifo, got.clock, full_size()));
    CHECK(got.ours > 0.85);
    CHECK(got.ours > got.fifo + 0.05);
    CHECK(got.ours > got.clock + 0.02);
}

TEST_CASE("eviction: among domains as popular as usual more is found than by FIFO and CLOCK") {
    std::vector<std::uint32_t> trace;
    Popular popular(1'000'000);
    for (std::uint32_t i = 0; i < 150'000; i++)
        trace.push_back(popular.next());
    const Rates got = rates(trace, 0, 2'000'000);
    MESSAGE(fmt::format("popular: ours {:.3f}, FIFO {:.3f}, CLOCK {:.3f}", got.ours, got.fifo,
                        got.clock));
    CHECK(got.ours > got.fifo);
    CHECK(got.ours > got.clock);
}

TEST_CASE("eviction: what comes into use later takes the place of what was in use before") {
    std::vector<std::uint32_t> trace;
    for (int round = 0; round < 4; round++)
        for (std::uint32_t i = 0; i < 5'000; i++)
            trace.push_back(1'000'000 + i);
    for (int round = 0; round < 12; round++)
        for (std::uint32_t i = 0; i < 5'000; i++)
            trace.push_back(i);
    CHECK(rates(trace, 0, 5'000).ours > 0.6);
}
