// SPDX-License-Identifier: BSD-3-Clause
#include "engine/findings.h"

#include "engine/field.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto bogus_world = R"(
bogus.example MX bogus 60
)";
constexpr auto sts_world = R"(
zone sts.example insecure 600
sts.example MX insecure 600 10 mx.sts.example
mx.sts.example A insecure 900 192.0.2.1
_mta-sts.sts.example TXT insecure 300 "v=STSv1; id=1;"
)";

using verdict::FindingCode;

} // namespace

TEST_CASE("findings: mail that is deferred now, with reason and since when, until it is not") {
    Field field;
    field.resolver.set(bogus_world);
    field.reply("bogus.example");
    const auto now = [&] { return field.clock.now(); };
    const WallTime begun = now();
    auto deferred = field.engine->findings().with(FindingCode::deferred, 10, now());
    REQUIRE(deferred.size() == 1);
    CHECK(deferred[0].key == "bogus.example");
    CHECK(deferred[0].known.since == begun);
    CHECK(deferred[0].known.finding.text.starts_with("MX bogus.example is bogus"));
    CHECK(deferred[0].known.finding.fix.starts_with("the domain's operator must fix its DNSSEC"));
    CHECK(field.engine->findings().count(FindingCode::deferred, now()) == 1);
    CHECK(field.engine->findings().of("bogus.example", now()).size() == 1);
    CHECK(field.engine->findings().of("other.example", now()).empty());

    field.loop.advance(1h);
    field.reply("bogus.example");
    deferred = field.engine->findings().with(FindingCode::deferred, 10, now());
    REQUIRE(deferred.size() == 1);
    CHECK(deferred[0].known.since == begun); // the same, not a new one

    field.loop.advance(24h); // nobody asks, so nobody knows
    CHECK(field.engine->findings().count(FindingCode::deferred, now()) == 0);
    field.reply("bogus.example");
    CHECK(field.engine->findings().count(FindingCode::deferred, now()) == 1);
    field.engine->forget(Nexthop::parse("bogus.example").value());
    CHECK(field.engine->findings().count(FindingCode::deferred, now()) == 0);
}

TEST_CASE("findings: a policy that fits no MX host, until it does") {
    Field field;
    field.resolver.set(sts_world);
    field.fetcher.serve(
        "sts.example", "version: STSv1\nmode: enforce\nmx: mx.elsewhere.example\nmax_age: 86400\n");
    field.reply("sts.example");
    const auto count = [&] {
        return field.engine->findings().count(FindingCode::policy_fits_none, field.clock.now());
    };
    CHECK(count() == 1);
    field.fetcher.serve("sts.example",
                        "version: STSv1\nmode: enforce\nmx: mx.sts.example\nmax_age: 86400\n");
    field.loop.run_until_done(field.engine->refresh(Nexthop::parse("sts.example").value()));
    CHECK(count() == 0);
}
