// SPDX-License-Identifier: BSD-3-Clause
#include "observe/samples.h"

#include "observe/loop_lag.h"
#include "observe/store_summary.h"
#include "observe/verdicts.h"
#include "store/archive.h"
#include "store/database.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <memory>

using namespace postseal;
using namespace postseal::observe;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

struct StillClock final : engine::Clock {
    [[nodiscard]] WallTime now() const override { return WallTime(1000h); }
    [[nodiscard]] milliseconds elapsed() const override { return 1000h; }
    [[nodiscard]] const std::string& boot() const override { return name; }
    [[nodiscard]] bool synchronised() const override { return true; }
    std::string name = "boot";
};

// Counts how often it is asked, and may be slow with it.
struct SlowArchive final : store::Archive {
    explicit SlowArchive(async::Loop& l) : loop(l) {}
    async::Task<> run(Job job) override {
        asked++;
        if (delay > 0ms) co_await async::Sleep(loop, delay);
        REQUIRE(job(database->connection()));
    }

    async::Loop& loop;
    std::unique_ptr<store::Database> database = store::Database::in_memory().value();
    std::uint64_t asked = 0;
    milliseconds delay{0};
};

} // namespace

TEST_CASE("samples: the difference from minute to minute, of six hours at most") {
    VirtualLoop loop;
    Totals totals;
    totals.dns = 100;
    const Samples samples(loop, [&] { return totals; });
    CHECK(samples.minutes().empty());
    CHECK(samples.now() == Minute{});
    totals.classes = {5, 0, 3, 0, 0, 1};
    totals.from_memory = 7;
    totals.evaluations.observe(20ms);
    totals.dns = 103;
    totals.dns_failed = 1;
    const Minute expected{.classes = {5, 0, 3, 0, 0, 1},
                          .from_memory = 7,
                          .lookups = 1,
                          .median = 18ms,
                          .slow = 24ms,
                          .dns = 3,
                          .dns_failed = 1};
    CHECK(samples.now() == expected);
    loop.advance(60s);
    REQUIRE(samples.minutes().size() == 1);
    CHECK(samples.minutes().back() == expected);
    CHECK(samples.now() == Minute{});
    loop.advance(60s);
    CHECK(samples.minutes().back() == Minute{});
    loop.advance(400min);
    CHECK(samples.minutes().size() == Samples::most);
}

TEST_CASE("samples: DNS of the last five minutes") {
    VirtualLoop loop;
    Totals totals;
    const Samples samples(loop, [&] { return totals; });
    for (int minute = 0; minute < 10; minute++) {
        totals.dns += 10;
        totals.dns_failed += minute >= 8 ? 10 : 0;
        loop.advance(60s);
    }
    totals.dns += 4;
    const Samples::Dns lately = samples.dns_lately();
    CHECK(lately.lookups == 54);
    CHECK(lately.failed == 20);
}

TEST_CASE("loop lag: on time, there is none") {
    VirtualLoop loop;
    const LoopLag lag(loop);
    loop.advance(200s);
    CHECK(lag.worst() == 0ms);
}

TEST_CASE("kept: the store is asked every ten seconds at most, and waited for one") {
    VirtualLoop loop;
    const StillClock clock;
    SlowArchive archive(loop);
    store::Batch batch;
    batch.history.put({.nexthop = "a.example",
                       .at = clock.now(),
                       .kind = store::HistoryRow::Kind::downgrade,
                       .before = "enforce",
                       .after = "none"});
    batch.sts.put({.domain = Domain::parse("a.example").value(), .failures = 1});
    REQUIRE(archive.database->write(batch));
    StoreSummary view(loop, clock, archive);
    const auto renew = [&] {
        loop.run_until_done([](StoreSummary& kept) -> async::Task<bool> {
            co_await kept.renew();
            co_return true;
        }(view));
    };
    renew();
    renew();
    CHECK(archive.asked == 4); // census, failing, downgrades, changes
    CHECK(view.kept().census.failing == 1);
    CHECK(view.kept().downgrades.size() == 1);
    CHECK(view.kept().changes.empty());
    store::Batch more;
    more.sts.put({.domain = Domain::parse("b.example").value(), .failures = 1});
    REQUIRE(archive.database->write(more));
    loop.advance(10s);
    archive.delay = 5s;
    const MonoTime begun = loop.now();
    renew();
    CHECK(loop.now() - begun == 1s);
    CHECK(view.kept().census.failing == 1); // what was said before
    loop.advance(10s);
    archive.delay = 0s;
    renew();
    CHECK(view.kept().census.failing == 2);
}

TEST_CASE("verdicts of the store, by class") {
    const auto sums = by_class({.verdicts = {{"dane", 2},
                                             {"dane-only", 3},
                                             {"enforce", 4},
                                             {"override", 5},
                                             {"", 6},
                                             {"of a later version", 7}}});
    CHECK(sums == std::map<std::string_view, std::uint64_t>{{"dane", 5},
                                                            {"enforce", 4},
                                                            {"may", 0},
                                                            {"override", 5},
                                                            {"tempfail", 0},
                                                            {"none", 13}});
}
