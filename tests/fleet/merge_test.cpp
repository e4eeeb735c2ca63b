// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/merge.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>

using namespace postseal;
using namespace postseal::fleet;

namespace {

WallTime at(const std::string& text) { return WallTime(seconds(std::stoll(text))); }
long long seconds_of(WallTime time) { return time.time_since_epoch().count() / 1000; }
const Domain domain = Domain::parse("example.com").value();

std::string policy_text(const std::string& mode, long long life) {
    return fmt::format("version: STSv1\nmode: {}\nmx: mx.example.com\nmax_age: {}\n", mode, life);
}

// "WORD@REST"
std::pair<std::string, std::string> split(const std::string& word, char by) {
    const auto place = word.find(by);
    REQUIRE_MESSAGE(place != std::string::npos, word);
    return {word.substr(0, place), word.substr(place + 1)};
}

SharedPolicy policy_of(const std::string& text) {
    SharedPolicy policy{.row = {.domain = domain}};
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        store::StsRow& row = policy.row;
        if (word == "-") continue;
        if (word == "gone") {
            row.record_gone = true;
        } else if (word.starts_with('x')) {
            row.failures = static_cast<std::uint32_t>(std::stoul(word.substr(1)));
        } else if (word.starts_with("id=")) {
            row.failed_id = word.substr(3);
        } else if (word.starts_with("by=")) {
            (row.failures > 0 ? row.failed_by : row.origin) = word.substr(3);
        } else if (const auto [what, when] = split(word, '@'); what == "fail") {
            row.failed_at = at(when);
        } else if (what == "retry") {
            row.retry_at = at(when);
        } else if (what == "refresh") {
            row.refresh_at = at(when);
        } else if (what == "forgot") {
            policy.forgotten_at = at(when);
        } else {
            const auto [fetched, life] = split(when, '+');
            row.fetched_at = at(fetched);
            row.expires_at = row.fetched_at + seconds(std::stoll(life));
            row.body = policy_text(what, std::stoll(life));
        }
    }
    return policy;
}

std::string text_of(const SharedPolicy& policy) {
    const store::StsRow& row = policy.row;
    std::string text;
    if (!row.body.empty()) {
        const auto read = mtasts::parse_policy(row.body);
        REQUIRE(read.has_value());
        text += fmt::format(" {}@{}+{}", to_string(read->mode), seconds_of(row.fetched_at),
                            seconds_of(row.expires_at) - seconds_of(row.fetched_at));
    }
    if (!row.origin.empty()) text += " by=" + row.origin;
    if (row.refresh_at) text += fmt::format(" refresh@{}", seconds_of(*row.refresh_at));
    if (row.record_gone) text += " gone";
    if (row.failures > 0)
        text += fmt::format(" fail@{} x{} id={} retry@{}", seconds_of(row.failed_at), row.failures,
                            row.failed_id, seconds_of(row.retry_at));
    if (!row.failed_by.empty()) text += " by=" + row.failed_by;
    if (policy.forgotten_at) text += fmt::format(" forgot@{}", seconds_of(*policy.forgotten_at));
    return text.empty() ? "-" : text.substr(1);
}

SharedNexthop look_of(const std::string& text) {
    SharedNexthop look{.row = {.nexthop = "example.com"}};
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (word == "-") continue;
        if (word.starts_with("by=")) {
            look.row.dane_by = word.substr(3);
            continue;
        }
        const auto [what, when] = split(word, '@');
        if (what == "dane" || what == "no-dane") {
            look.row.dane = what == "dane";
            look.row.dane_seen_at = at(when);
        } else if (what == "forgot") {
            look.forgotten_at = at(when);
        } else {
            look.row.verdict = what;
            look.row.seen_at = at(when);
        }
    }
    return look;
}

std::string text_of(const SharedNexthop& look) {
    std::string text;
    if (look.row.dane_seen_at)
        text += fmt::format(" {}@{}", look.row.dane ? "dane" : "no-dane",
                            seconds_of(*look.row.dane_seen_at));
    if (!look.row.dane_by.empty()) text += " by=" + look.row.dane_by;
    if (!look.row.verdict.empty())
        text += fmt::format(" {}@{}", look.row.verdict, seconds_of(look.row.seen_at.value()));
    if (look.forgotten_at) text += fmt::format(" forgot@{}", seconds_of(*look.forgotten_at));
    return text.empty() ? "-" : text.substr(1);
}

// All of them of one table, so that every combination is tried. Not those of the future (rule 8).
std::vector<SharedPolicy> all_policies(WallTime now) {
    std::vector<SharedPolicy> all;
    for (const auto& row : test::read_table("fleet/merge.table", 6))
        for (const std::size_t column : {1, 2})
            if (const SharedPolicy policy = policy_of(row.fields[column]);
                !policy.row.record_gone && policy.row.fetched_at <= now &&
                std::ranges::find(all, policy) == all.end())
                all.push_back(policy);
    return all;
}

} // namespace

TEST_CASE("the rules about policies") {
    for (const auto& row : test::read_table("fleet/merge.table", 6)) {
        INFO("line ", row.line, ": ", row.fields[5]);
        const WallTime now = at(row.fields[0]);
        const SharedPolicy held = policy_of(row.fields[1]);
        const SharedPolicy offered = policy_of(row.fields[2]);
        const SharedPolicy merged = merge(held, offered, now);
        CHECK(text_of(merged) == row.fields[3]);
        CHECK(merge(merged, offered, now) == merged);
        if (row.fields[4] == "both") CHECK(text_of(merge(offered, held, now)) == row.fields[3]);
    }
}

TEST_CASE("the rules about nexthops") {
    for (const auto& row : test::read_table("fleet/looks.table", 5)) {
        INFO("line ", row.line, ": ", row.fields[4]);
        const WallTime now = at(row.fields[0]);
        const SharedNexthop held = look_of(row.fields[1]);
        const SharedNexthop offered = look_of(row.fields[2]);
        const SharedNexthop merged = merge(held, offered, now);
        CHECK(text_of(merged) == row.fields[3]);
        CHECK(merge(merged, offered, now) == merged);
        CHECK(text_of(merge(offered, held, now)) == row.fields[3]);
    }
}

TEST_CASE("in whatever order three nodes come, the same is known in the end") {
    for (const WallTime now : {at("50"), at("200")}) {
        const std::vector<SharedPolicy> all = all_policies(now);
        REQUIRE(all.size() > 15);
        for (const SharedPolicy& a : all)
            for (const SharedPolicy& b : all)
                for (const SharedPolicy& c : all) {
                    const SharedPolicy one = merge(merge(a, b, now), c, now);
                    const SharedPolicy other = merge(a, merge(c, b, now), now);
                    if (one == other) continue;
                    CAPTURE(text_of(a));
                    CAPTURE(text_of(b));
                    CAPTURE(text_of(c));
                    REQUIRE(text_of(one) == text_of(other));
                    REQUIRE(one == other);
                }
    }
}

TEST_CASE("nodes whose clocks differ by minutes agree") {
    const WallTime server = at("100000");
    const milliseconds ahead = std::chrono::minutes(7);
    const SharedPolicy first = policy_of("enforce@99000+90000 refresh@99900");
    // Fetched later by the server's clock, earlier by the node's own, which is behind.
    const SharedPolicy later = policy_of("testing@99100+90000 refresh@99990");
    const store::StsRow as_the_node_has_it = translated(later.row, -ahead);
    CHECK(as_the_node_has_it.fetched_at < first.row.fetched_at);
    const SharedPolicy offered{.row = translated(as_the_node_has_it, ahead)};
    CHECK(merge(first, offered, server) == later);
    CHECK(translated(WallTime{}, ahead) == WallTime{});
}

TEST_CASE("what is news") {
    const auto before = policy_of("enforce@10+100 refresh@40").row;
    const auto told = [&](const char* after, const char* now) {
        return news(before, policy_of(after).row, at(now));
    };
    CHECK(news(before, before, at("50")) == Difference::none);
    CHECK(told("enforce@20+100 refresh@45", "50") == Difference::quiet);
    CHECK(told("enforce@10+100 refresh@40 fail@30 x1 id=b retry@60", "50") == Difference::quiet);
    CHECK(told("none@20+100 refresh@45", "50") == Difference::binding);
    CHECK(told("-", "50") == Difference::binding);
    // It had run out, and is in force again.
    CHECK(told("enforce@90+100 refresh@95", "115") == Difference::binding);
    CHECK(news(look_of("dane@1 x@1").row, look_of("dane@9 x@9").row) == Difference::quiet);
    CHECK(news(look_of("dane@1 x@1").row, look_of("no-dane@9 x@9").row) == Difference::binding);
    CHECK(news(look_of("-").row, look_of("no-dane@9 x@9").row) == Difference::binding);
    CHECK_FALSE(is_worth_sharing(look_of("dane@1 x@1"), look_of("dane@3600 x@3600")));
    CHECK(is_worth_sharing(look_of("dane@1 x@1"), look_of("dane@86401 x@86401")));
    CHECK(is_worth_sharing(look_of("dane@1 x@1"), look_of("no-dane@2 x@2")));
}

TEST_CASE("names that promise nothing are not shared") {
    CHECK_FALSE(is_worth_sharing(look_of("-"), look_of("no-dane@9 x@9")));
    CHECK(is_worth_sharing(look_of("-"), look_of("dane@9 x@9")));
    const char* failure = "fail@30 x1 id=b retry@60";
    CHECK_FALSE(is_worth_sharing(policy_of("-"), policy_of(failure)));
    CHECK(is_worth_sharing(policy_of("-"), policy_of("enforce@10+100 refresh@40")));
    CHECK(is_worth_sharing(policy_of("enforce@10+100 refresh@40"),
                           policy_of("enforce@10+100 refresh@40 fail@30 x1 id=b retry@60")));
    // What an operator forgot is, whatever was known of it.
    CHECK(is_worth_sharing(policy_of("-"), policy_of("forgot@9")));
}
