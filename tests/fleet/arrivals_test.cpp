// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/arrivals.h"

#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::fleet;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr WallTime wall{24h * 20'000};

store::StsRow policy(const std::string& name, milliseconds ago) {
    return {.domain = domain(name),
            .body = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 864000\n",
            .id = "1",
            .fetched_at = wall - ago,
            .expires_at = wall + 24h,
            .refresh_at = wall + 22h};
}
store::StsRow failure(const std::string& name) {
    return {.domain = domain(name),
            .failures = 1,
            .failed_id = "2",
            .fault = "connect",
            .reason = "refused",
            .failed_at = wall,
            .retry_at = wall + 5min};
}

} // namespace

TEST_CASE("a lookup that did not know of the policy adds its failure to it") {
    Arrivals arrivals;
    const store::StsRow came = policy("a.example", 1h);
    arrivals.note(came, MonoTime());
    const store::StsRow saved = arrivals.caught_up(failure("a.example"), wall);
    CHECK(saved.body == came.body);
    CHECK(saved.expires_at == came.expires_at);
    CHECK(saved.failures == 1);
    CHECK(arrivals.caught_up(failure("b.example"), wall) == failure("b.example"));
}

TEST_CASE("one that knew of it, or has fetched a newer one, is right") {
    Arrivals arrivals;
    arrivals.note(policy("a.example", 1h), MonoTime());
    store::StsRow knew = policy("a.example", 1h);
    knew.refresh_at = wall + 1h;
    CHECK(arrivals.caught_up(knew, wall) == knew);
    CHECK(arrivals.caught_up(policy("a.example", 0ms), wall) == policy("a.example", 0ms));
}

TEST_CASE("what is old, what is too much and what was forgotten is gone") {
    Arrivals arrivals;
    arrivals.note(policy("old.example", 1h), MonoTime());
    arrivals.note(policy("new.example", 1h), MonoTime() + 4min);
    CHECK(arrivals.caught_up(failure("old.example"), wall).body.empty());
    CHECK_FALSE(arrivals.caught_up(failure("new.example"), wall).body.empty());
    arrivals.forget(domain("new.example"));
    CHECK(arrivals.caught_up(failure("new.example"), wall).body.empty());
    arrivals.note(policy("first.example", 1h), MonoTime() + 5min);
    for (int i = 0; i < 4096; i++)
        arrivals.note(policy(fmt::format("d{}.example", i), 1h), MonoTime() + 5min);
    CHECK(arrivals.caught_up(failure("first.example"), wall).body.empty());
    CHECK_FALSE(arrivals.caught_up(failure("d0.example"), wall).body.empty());
}

TEST_CASE("one that came again counts from then on") {
    Arrivals arrivals;
    arrivals.note(policy("a.example", 2h), MonoTime());
    arrivals.note(policy("a.example", 1h), MonoTime() + 2min);
    arrivals.note(policy("b.example", 1h), MonoTime() + 4min);
    CHECK(arrivals.caught_up(failure("a.example"), wall).fetched_at == wall - 1h);
}
