// store/age_test.cpp: how old a stored policy is, whatever the wall clock says
// SPDX-License-Identifier: BSD-3-Clause
#include "store/store.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::store;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

constexpr WallTime start = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
constexpr milliseconds life = days(10);

// Fetched 5 min after the boot "one", at `start`.
StsRow fetched(bool confirmed = true) {
    return {.domain = Domain::parse("example.org").value(),
            .body = "x",
            .fetched_at = start,
            .expires_at = start + life,
            .age = {.boot = "one", .elapsed = 5min, .exact = true, .dated = confirmed},
            .refresh_at = start + 23h};
}

// `real` time after the fetch, in the same boot, with the wall clock set wrong by `wrong`.
Moment after(milliseconds real, milliseconds wrong, bool confirmed = false) {
    return {
        .now = start + real + wrong, .confirmed = confirmed, .boot = "one", .elapsed = 5min + real};
}
// After the machine was started again `uptime` ago.
Moment rebooted(milliseconds real, milliseconds wrong, bool confirmed,
                milliseconds uptime = 10min) {
    Moment moment = after(real, wrong, confirmed);
    moment.boot = "two";
    moment.elapsed = uptime;
    return moment;
}

milliseconds left(const StsRow& row, const Moment& moment) {
    return by_age(as_of(row, moment), moment).expires_at - moment.now;
}
bool doubtful(const StsRow& row, const Moment& moment) {
    return is_doubtful(as_of(row, moment), moment);
}

} // namespace

TEST_CASE("in the boot of its fetch a policy is as old as the time that has passed") {
    for (const milliseconds wrong : {0ms, milliseconds(days(400)), milliseconds(-days(400))})
        for (const bool confirmed : {false, true})
            for (const bool dated : {false, true}) {
                const Moment moment = after(days(3), wrong, confirmed);
                CHECK(left(fetched(dated), moment) == life - days(3));
                CHECK_FALSE(doubtful(fetched(dated), moment));
                CHECK(left(fetched(dated), after(life, wrong, confirmed)) <= 0ms);
            }
}

TEST_CASE("after another boot it is as old as a confirmed wall clock says") {
    CHECK(left(fetched(), rebooted(days(3), 0ms, true)) == life - days(3));
    CHECK(left(fetched(), rebooted(days(11), 0ms, true)) <= 0ms);
    // Its wall clock was ahead when it was fetched: the life begins anew, once.
    StsRow row = as_of(fetched(), rebooted(days(1), -days(400), true));
    CHECK(row.fetched_at == start + days(1) - days(400));
    CHECK(left(row, rebooted(days(2), -days(400), true, 24h + 10min)) == life - 24h);
}

TEST_CASE("a wall clock that is not confirmed ends no policy, and begins no life anew") {
    const StsRow row = fetched();
    const Moment ahead = rebooted(days(1), days(400), false);
    CHECK(left(row, ahead) == life);
    CHECK(doubtful(row, ahead));
    const Moment behind = rebooted(days(1), -days(400), false);
    CHECK(left(row, behind) == life);
    CHECK_FALSE(doubtful(row, behind));
    for (const Moment& moment : {ahead, behind}) {
        const StsRow seen = as_of(row, moment);
        CHECK(seen.fetched_at == row.fetched_at); // and so it is saved
        CHECK(seen.expires_at == row.expires_at);
        CHECK(left(seen, rebooted(days(9), 0ms, true, days(8))) == life - days(9));
    }
}

TEST_CASE("what has been counted adds up over boots, and a clock that goes back takes none of it") {
    StsRow row = fetched();
    for (int boot = 0; boot < 9; boot++) {
        row = as_of(row, {.now = start, .boot = std::to_string(boot), .elapsed = 1min});
        row = as_of(row, {.now = start, .boot = std::to_string(boot), .elapsed = 1min + 24h});
    }
    CHECK(row.age.least == days(9));
    const Moment last{.now = start, .boot = "last", .elapsed = 1min};
    CHECK(left(row, last) == 24h);
    CHECK(left(row, {.now = start, .confirmed = true, .boot = "last", .elapsed = 1min}) == 24h);
    row = as_of(row, last);
    CHECK(left(row, {.now = start, .boot = "last", .elapsed = 1min + 24h}) <= 0ms);
}

TEST_CASE("a policy fetched by a clock that was not confirmed is as old as has been counted") {
    // Twelve days behind, as a machine without a clock chip is; right after the next boot.
    const StsRow row = fetched(false);
    const Moment moment = rebooted(days(1), days(12), true);
    CHECK(left(row, moment) == life);
    const StsRow seen = as_of(row, moment);
    CHECK(seen.fetched_at == moment.now); // from now on that is right
    CHECK(seen.age.dated);
}

TEST_CASE("an elapsed time that has gone back is of another boot") {
    Moment moment = after(days(1), 0ms, true);
    moment.elapsed = 1min;
    CHECK(left(fetched(), moment) == life - 24h);
}

TEST_CASE("a policy whose end has been noticed stays ended") {
    StsRow row = fetched();
    row.refresh_at.reset();
    row.age.least = life;
    CHECK(left(row, rebooted(days(1), -days(400), false)) <= 0ms);
    CHECK_FALSE(doubtful(row, rebooted(days(1), days(400), false)));
}

TEST_CASE("nothing in a row lies further ahead than if it were written now") {
    StsRow row = fetched();
    row.failures = 1;
    row.failed_at = start + 13h;
    row.retry_at = start + 14h;
    row.refresh_at = start + days(400);
    const Moment now = after(0ms, 0ms, true);
    CHECK(as_of(row, now).failed_at == start);
    CHECK(as_of(row, now).retry_at == start);
    CHECK(as_of(row, now).refresh_at == start + 24h);
    row.failed_at = start;
    CHECK(as_of(row, now).retry_at == start + 1h);
    row.retry_at = start + 5min;
    CHECK(as_of(row, now).retry_at == start + 5min);
    CHECK(is_blank(as_of(StsRow{.domain = row.domain}, now)));

    const NexthopRow look = as_of({.nexthop = "a.example",
                                   .dane_seen_at = start + 1h,
                                   .verdict = "may",
                                   .verdict_since = start - 1h,
                                   .seen_at = start + 99h},
                                  now);
    CHECK(look.dane_seen_at == start);
    CHECK(look.verdict_since == start - 1h);
    CHECK(look.seen_at == start);
}
