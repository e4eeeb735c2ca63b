// SPDX-License-Identifier: BSD-3-Clause
#include "engine/import.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace postseal;
using namespace std::chrono_literals;
using engine::Import;
using engine::Memory;

namespace {

const WallTime now = parse_until("2026-11-22T12:00:00Z").value();
const store::Moment moment{.now = now, .boot = "b", .elapsed = 1h};
const Nexthop nexthop = Nexthop::parse("example.com").value();

std::string body(std::string_view mode, seconds max_age = 604'800s) {
    return fmt::format("version: STSv1\nmode: {}\nmx: mx.example.com\nmax_age: {}\n", mode,
                       max_age.count());
}

Memory memory(std::string_view mode, milliseconds ago) {
    return {.nexthop = nexthop,
            .body = body(mode),
            .id = "7",
            .fetched_at = now - ago,
            .row = {.nexthop = "example.com", .verdict = {}}};
}

store::Loaded held(std::string_view mode, milliseconds ago) {
    store::Loaded loaded;
    loaded.sts = store::StsRow{.domain = nexthop.domain,
                               .body = body(mode),
                               .id = "6",
                               .fetched_at = now - ago,
                               .expires_at = now - ago + 604'800s,
                               .failures = 2,
                               .failed_id = "7",
                               .refresh_at = now + 1h};
    return loaded;
}

} // namespace

TEST_CASE("a policy lives from when it was fetched there, and is fetched again at once") {
    const auto merged = merge(memory("enforce", 24h), {}, moment);
    CHECK(merged.outcome == Import::taken);
    REQUIRE(merged.sts);
    CHECK(merged.sts->domain == nexthop.domain);
    CHECK(merged.sts->body == body("enforce"));
    CHECK(merged.sts->id == "7");
    CHECK(merged.sts->fetched_at == now - 24h);
    CHECK(merged.sts->expires_at == now + 6 * 24h);
    CHECK(merged.sts->refresh_at == now);
    CHECK(store::by_age(store::as_of(*merged.sts, moment), moment).expires_at == now + 6 * 24h);
    REQUIRE(merged.nexthop); // so that a list has it
    CHECK(merged.nexthop->seen_at == now - 24h);
}

TEST_CASE("a policy that has expired is not revived") {
    const auto merged = merge(memory("enforce", 7 * 24h), {}, moment);
    CHECK(merged.outcome == Import::expired);
    CHECK_FALSE(merged.sts);
    CHECK_FALSE(merged.nexthop);
    CHECK(merge(memory("enforce", 7 * 24h - 1s), {}, moment).outcome == Import::taken);
}

TEST_CASE("what was fetched later, or is stronger, stays while it is in force") {
    CHECK(merge(memory("enforce", 2h), held("enforce", 1h), moment).outcome == Import::held);
    CHECK(merge(memory("enforce", 1h), held("enforce", 1h), moment).outcome == Import::held);
    CHECK(merge(memory("enforce", 2h), held("none", 1h), moment).outcome == Import::held);
    CHECK(merge(memory("none", 1h), held("enforce", 2h), moment).outcome == Import::held);
    CHECK(merge(memory("testing", 1h), held("enforce", 2h), moment).outcome == Import::held);
    CHECK(merge(memory("enforce", 1h), held("testing", 2h), moment).outcome == Import::taken);
    CHECK(merge(memory("testing", 1h), held("enforce", 8 * 24h), moment).outcome == Import::taken);

    const auto merged = merge(memory("enforce", 1h), held("enforce", 2h), moment);
    REQUIRE(merged.sts);
    CHECK(merged.sts->id == "7");
    CHECK(merged.sts->failures == 2); // what fails here fails still
}

TEST_CASE("what was seen of DANE: the later counts, but not against what is remembered") {
    Memory there = memory("enforce", 8 * 24h);
    there.body.clear();
    there.row.dane = true;
    there.row.dane_seen_at = now - 1h;
    const auto merged = merge(there, {}, moment);
    CHECK(merged.outcome == Import::taken);
    REQUIRE(merged.nexthop);
    CHECK(merged.nexthop->dane);
    CHECK(merged.nexthop->dane_seen_at == now - 1h);

    store::Loaded known;
    known.nexthop = store::NexthopRow{
        .nexthop = "example.com", .dane = true, .dane_seen_at = now - 2h, .verdict = "dane-only"};
    Memory gone = there;
    gone.row.dane = false;
    CHECK(merge(gone, known, moment).outcome == Import::held);
    known.nexthop->dane_seen_at = now - 8 * 24h;
    CHECK(merge(gone, known, moment).outcome == Import::taken);
    known.nexthop->dane_seen_at = now;
    CHECK(merge(there, known, moment).outcome == Import::held);
    there.row.dane_seen_at = now - 7 * 24h; // nobody remembers
    CHECK(merge(there, {}, moment).outcome == Import::held);
}

TEST_CASE("a verdict is taken where there was none") {
    Memory from = memory("enforce", 1h);
    from.row.verdict = "enforce";
    from.row.row = 11;
    from.row.verdict_since = now - 24h;
    from.row.seen_at = now - 2h;
    const auto merged = merge(from, {}, moment);
    REQUIRE(merged.nexthop);
    CHECK(merged.nexthop->verdict == "enforce");
    CHECK(merged.nexthop->row == 11);
    CHECK(merged.nexthop->verdict_since == now - 24h);
    CHECK(merged.nexthop->seen_at == now - 2h);

    store::Loaded known;
    known.nexthop =
        store::NexthopRow{.nexthop = "example.com", .verdict = "may", .row = 13, .seen_at = now};
    CHECK_FALSE(merge(from, known, moment).nexthop);
}
