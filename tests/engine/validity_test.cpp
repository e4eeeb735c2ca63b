// SPDX-License-Identifier: BSD-3-Clause
#include "engine/validity.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;

namespace {

constexpr WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};

verdict::Evidence good() {
    verdict::Evidence evidence{.nexthop = Nexthop::parse("example.com").value()};
    evidence.mx.state = verdict::MxState::secure;
    evidence.mx.ttl = 600s;
    evidence.mx.hosts.push_back(
        {.name = Domain::parse("mx.example.com").value(), .state = verdict::HostState::none});
    evidence.sts.record = verdict::RecordState::absent;
    return evidence;
}

} // namespace

TEST_CASE("a TTL counts from a minute to an hour") {
    CHECK(bounded_ttl(0s) == 60s);
    CHECK(bounded_ttl(59s) == 60s);
    CHECK(bounded_ttl(61s) == 61s);
    CHECK(bounded_ttl(3600s) == 3600s);
    CHECK(bounded_ttl(std::chrono::seconds(2147483648)) == 3600s);
}

TEST_CASE("failed lookups are tried again after 30 s, doubling to 5 min") {
    CHECK(lookup_retry(1) == 30s);
    CHECK(lookup_retry(2) == 60s);
    CHECK(lookup_retry(4) == 240s);
    CHECK(lookup_retry(5) == 300s);
    CHECK(lookup_retry(1000) == 300s);
}

TEST_CASE("failed fetches are tried again after 5 min, doubling to an hour") {
    CHECK(fetch_retry(1) == 5min);
    CHECK(fetch_retry(2) == 10min);
    CHECK(fetch_retry(4) == 40min);
    CHECK(fetch_retry(5) == 1h);
    CHECK(fetch_retry(1000) == 1h);
}

TEST_CASE("with a policy held, the next try comes within half of what is left of its life") {
    CHECK(fetch_retry(1, std::chrono::days(9)) == 5min);
    CHECK(fetch_retry(9, std::chrono::days(9)) == 1h);
    CHECK(fetch_retry(9, 2h) == 1h);
    CHECK(fetch_retry(9, 90min) == 45min);
    CHECK(fetch_retry(1, 4min) == 2min);
    CHECK(fetch_retry(1, 15s) == 10s);
    CHECK(fetch_retry(1, 1ms) == 10s);
    CHECK(fetch_retry(1, 0ms) == 5min); // none is held
    CHECK(fetch_retry(3, -1h) == 20min);
}

TEST_CASE("evidence holds for its least time") {
    auto evidence = good();
    CHECK(holds_for(evidence, 900s, 0, now) == 600s);
    CHECK(holds_for(evidence, 300s, 0, now) == 300s);
    SUBCASE("a policy that ends sooner") {
        evidence.sts.policy = mtasts::Policy{};
        evidence.sts.expires_at = now + 100s;
        CHECK(holds_for(evidence, 900s, 0, now) == 100s);
        evidence.sts.expires_at = now + 1ms;
        CHECK(holds_for(evidence, 900s, 0, now) == 1s);
        evidence.sts.expires_at = now; // max_age 0: it never counted
        CHECK(holds_for(evidence, 900s, 0, now) == 600s);
    }
    SUBCASE("a fetch to be tried again") {
        evidence.sts.retry_at = now + 299s;
        CHECK(holds_for(evidence, 900s, 0, now) == 299s + fetch_grace);
    }
}

TEST_CASE("what failed decides when to look again") {
    const auto failed_check = [](void (*spoil)(verdict::Evidence&)) {
        auto evidence = good();
        REQUIRE_FALSE(any_failed(evidence));
        spoil(evidence);
        CHECK(any_failed(evidence));
        CHECK(holds_for(evidence, 900s, 1, now) == 30s);
        CHECK(holds_for(evidence, 900s, 3, now) == 120s);
    };
    failed_check([](verdict::Evidence& e) { e.mx.state = verdict::MxState::failed; });
    failed_check([](verdict::Evidence& e) { e.mx.state = verdict::MxState::bogus; });
    failed_check([](verdict::Evidence& e) { e.mx.hosts[0].state = verdict::HostState::failed; });
    failed_check([](verdict::Evidence& e) { e.sts.record = verdict::RecordState::failed; });
}

TEST_CASE("the prefetch comes at 75 to 85 % of the time that DNS gives") {
    auto evidence = good();
    CHECK(prefetch_after(evidence, 900s, 0, now, 0.0) == 450s);
    CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 480s);
    CHECK(prefetch_after(evidence, 100s, 0, now, 0.5) == 80s);
    SUBCASE("before a policy's end, but not before a minute") {
        evidence.sts.policy = mtasts::Policy{};
        evidence.sts.expires_at = now + 100s;
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 80s);
        evidence.sts.expires_at = now + 10s;
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 60s);
        evidence.sts.expires_at = now;
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 480s);
    }
    SUBCASE("when a fetch may be tried again") {
        evidence.sts.retry_at = now + 299s;
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 299s);
    }
    SUBCASE("after a failure of what promises nothing: only if somebody asks") {
        evidence.mx.hosts.push_back(evidence.mx.hosts[0]);
        evidence.mx.hosts[1].state = verdict::HostState::failed;
        for (const unsigned failures : {1U, 9U})
            CHECK_FALSE(prefetch_after(evidence, 900s, failures, now, 0.5));
        evidence.mx.hosts.clear();
        evidence.mx.state = verdict::MxState::failed;
        for (const auto remembered : {verdict::Remembered::nothing, verdict::Remembered::no_dane}) {
            evidence.remembered = remembered;
            CHECK_FALSE(prefetch_after(evidence, 900s, 1, now, 0.5));
        }
        evidence.sts.policy = mtasts::Policy{};
        evidence.sts.expires_at = now; // has run out
        CHECK_FALSE(prefetch_after(evidence, 900s, 1, now, 0.5));
    }
    SUBCASE("after a failure of what promises something: less and less often, to 4 h") {
        evidence.mx.state = verdict::MxState::failed;
        SUBCASE("DANE remembered") { evidence.remembered = verdict::Remembered::dane; }
        SUBCASE("a policy in force") {
            evidence.sts.policy = mtasts::Policy{};
            evidence.sts.expires_at = now + std::chrono::days(7);
        }
        SUBCASE("a host with TLSA records") {
            evidence.mx.hosts[0].state = verdict::HostState::unusable;
        }
        CHECK(prefetch_after(evidence, 900s, 1, now, 0.5) == 24s);
        CHECK(prefetch_after(evidence, 900s, 5, now, 0.5) == 384s);
        CHECK(prefetch_after(evidence, 900s, 99, now, 0.0) >= 3h);
        CHECK(prefetch_after(evidence, 900s, 99, now, 0.99) <= 4h);
    }
    SUBCASE("of many hosts: only of what promises something") {
        while (evidence.mx.hosts.size() < max_prefetched_hosts)
            evidence.mx.hosts.push_back(evidence.mx.hosts[0]);
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 480s);
        evidence.mx.hosts.push_back(evidence.mx.hosts[0]);
        CHECK_FALSE(prefetch_after(evidence, 900s, 0, now, 0.5));
        evidence.mx.hosts[3].state = verdict::HostState::usable;
        CHECK(prefetch_after(evidence, 900s, 0, now, 0.5) == 480s);
    }
}

TEST_CASE("a policy is fetched again in 22 to 24 h, sooner if it would not live so long") {
    const auto after = [](seconds max_age, double chance) {
        return refresh_time(now, now + max_age, chance) - now;
    };
    CHECK(after(240h, 0.0) == 22h);
    CHECK(after(240h, 0.5) == 23h);
    CHECK(after(31557600s, 0.5) == 23h);
    CHECK(after(24h, 0.5) == 69120s); // 80 %
    CHECK(after(12h, 0.5) == 34560s);
    CHECK(after(1h, 0.5) == 48min);
    CHECK(after(60s, 0.5) == 48s);
    CHECK(after(11s, 0.5) == 10s);                // no host is asked more often
    CHECK(after(10s, 0.5) == 10s + expiry_grace); // to notice its end
    CHECK(after(0s, 0.5) == expiry_grace);
}

TEST_CASE("a refresh is tried again with the back-off, not past the policy's end") {
    CHECK(refresh_retry_time(now + 5min, now + 6min) == now + 5min);
    CHECK(refresh_retry_time(now + 7min, now + 6min) == now + 6min + expiry_grace);
}
