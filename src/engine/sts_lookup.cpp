// SPDX-License-Identifier: BSD-3-Clause
#include "engine/sts_lookup.h"

#include "dns/for_client.h"
#include "dns/txt_lookup.h"
#include "engine/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

// Those past it keep their slots: what waits for policy hosts is bounded.
constexpr std::size_t max_fetching_without_slot = 4096;

// After which time a policy whose turn did not come is due again.
constexpr seconds refresh_again{60};

// Two clocks tell one fetch's time as near to each other.
constexpr milliseconds followed_within{1000};

// The stored policy, while it lives, and while one that has just ended may be fetched again.
void show_stored(const store::StsRow& row, const store::Moment& moment, verdict::Sts& sts) {
    const store::StsRow aged = store::by_age(row, moment);
    if (row.body.empty() || aged.expires_at + decided_within <= moment.now) return;
    auto policy = mtasts::parse_policy(row.body);
    if (!policy) {
        // A later version of this program took it for one.
        if (moment.now < aged.expires_at)
            sts.unread = "this version cannot read it: " + policy.error().text;
        return;
    }
    sts.policy = std::move(*policy);
    sts.policy_id = row.id;
    sts.fetched_at = aged.fetched_at;
    sts.expires_at = aged.expires_at;
}

void show_failure(const store::StsRow& row, verdict::Sts& sts) {
    const bool invalid = row.fault == https::to_string(https::FetchFault::policy);
    sts.fetch = invalid ? verdict::FetchState::invalid : verdict::FetchState::failed;
    sts.fetch_fault = row.fault;
    sts.fetch_reason = row.reason;
    sts.retry_at = row.retry_at;
}

// After the machine's next start nobody can tell how much of this boot has passed, but by what was
// saved meanwhile; and by then the wall clock may not help.
bool is_worth_noting(const store::Age& saved, const store::Age& now, const store::Moment& moment) {
    constexpr std::chrono::hours often{1};
    return !moment.confirmed && (saved.boot != now.boot || now.least - saved.least >= often);
}

// The record's id; if it cannot be obtained, the latest that is known.
std::string id_for_fetch(const store::StsRow& row, const verdict::Sts& sts) {
    if (sts.record == verdict::RecordState::found) return sts.record_id;
    return row.failures > 0 ? row.failed_id : row.id;
}

// Another node's failure saves work only where a policy is in force (fleet/merge.h).
bool binds(const store::StsRow& row, const store::Moment& moment) {
    return row.failed_by.empty() ||
           (!row.body.empty() && moment.now < store::by_age(row, moment).expires_at);
}

// Ended, or so near its end that a verdict might be decided, or hold, past it; and not fetched just
// now.
bool ends_soon(const verdict::Sts& sts, seconds txt_ttl, WallTime now) {
    if (!sts.policy) return false;
    const milliseconds fifth = (sts.expires_at - sts.fetched_at) / 5;
    const milliseconds before = std::min<milliseconds>(bounded_ttl(txt_ttl), fifth);
    return now - sts.fetched_at >= fifth &&
           sts.expires_at - now <= std::max<milliseconds>(before, decided_within);
}

bool backing_off(const store::StsRow& row, const std::string& id, const store::Moment& moment) {
    return row.failures > 0 && row.failed_id == id && moment.now < row.retry_at &&
           binds(row, moment);
}

} // namespace

void StsLookup::Progress::move(milliseconds moved_now) {
    const milliseconds by = moved_now - std::exchange(moved, moved_now);
    if (!sts.policy) return;
    sts.fetched_at += by;
    sts.expires_at += by;
}

verdict::Sts StsLookup::Progress::shown(milliseconds moved_now) const {
    Progress now = *this;
    now.move(moved_now);
    verdict::Sts shown = std::move(now.sts);
    // What was forgotten is found out anew, and until then nobody knows.
    if (forgotten) shown.policy.reset();
    if (waits > 0 && shown.record == verdict::RecordState::pending)
        shown.unasked = "other lookups come first";
    else if (waits > 0)
        shown.fetch = verdict::FetchState::waiting;
    if (forgotten) shown.fetch = verdict::FetchState::waiting;
    return shown;
}

StsLookup::Flights::Shared StsLookup::start_or_join(const Domain& domain, store::Loaded held,
                                                    Fetch when, For whom) {
    if (Flights::Shared flight = flights_.find(domain)) {
        take_newer(std::move(held), flight->context);
        return flight;
    }
    return flights_.start_or_join(domain, [&](Progress& progress) {
        progress.sts.unread = std::move(held.sts_unread);
        progress.elsewhere = std::move(held.sts_elsewhere);
        return look_up(std::move(held.sts).value_or(store::StsRow{.domain = domain}), progress,
                       when, std::move(whom));
    });
}

// A policy that another node has fetched, or that the database shows at last.
void StsLookup::take_newer(store::Loaded held, Progress& progress) {
    if (!held.sts || held.sts->body.empty()) return;
    const store::Moment moment = dependencies_.clock.moment();
    store::StsRow row = store::as_of(std::move(*held.sts), moment);
    progress.move(watch_.moved());
    const bool is_newer = !progress.sts.policy || by_age(row, moment).fetched_at >
                                                      progress.sts.fetched_at + followed_within;
    if (!is_newer) return;
    show_stored(row, moment, progress.sts);
    if (!progress.sts.policy) return;
    progress.sts.unread.clear();
    if (progress.row != nullptr) *progress.row = std::move(row);
}

void StsLookup::forget(const Domain& domain) {
    if (const Flights::Shared flight = flights_.find(domain)) {
        flight->context.forgotten = true;
        flights_.abandon(domain);
    }
    dependencies_.store.save(store::StsRow{.domain = domain});
}

async::Task<bool> StsLookup::refresh(Domain domain) {
    store::Loaded loaded = co_await dependencies_.store.load(domain, std::string());
    const store::Moment moment = dependencies_.clock.moment();
    const WallTime now = moment.now;
    if (loaded.sts) loaded.sts = store::as_of(std::move(*loaded.sts), moment);
    if (!loaded.sts || !loaded.sts->refresh_at || now < *loaded.sts->refresh_at) co_return false;
    const WallTime end = store::by_age(*loaded.sts, moment).expires_at;
    // A refresh that comes late is one still; past the grace the end is noticed.
    const bool only_late = loaded.sts->refresh_at < end && now < end + expiry_grace;
    if (end <= now && !only_late) {
        expire(std::move(*loaded.sts), end);
        co_return false;
    }
    if (loaded.sts->failures > 0 && now < loaded.sts->retry_at) {
        loaded.sts->refresh_at = refresh_retry_time(loaded.sts->retry_at, end);
        save(std::move(*loaded.sts));
        co_return false;
    }
    const auto before = mtasts::parse_policy(loaded.sts->body);
    const Flights::Shared flight = start_or_join(domain, std::move(loaded), Fetch::daily, {});
    const Result found = co_await Flights::wait(dependencies_.loop, flight);
    const bool fetched = found.sts.fetch == verdict::FetchState::fetched && found.sts.policy;
    co_return fetched && !(before && *before == *found.sts.policy);
}

void StsLookup::save(store::StsRow row) {
    const std::optional<WallTime> due = row.refresh_at;
    dependencies_.store.save(std::move(row));
    if (due && on_due_) on_due_(*due);
}

void StsLookup::expire(store::StsRow row, WallTime end) {
    if (dependencies_.clock.now() < end + expiry_grace) {
        row.refresh_at = end + expiry_grace;
    } else {
        const auto mode = held_mode(row);
        if (mode && *mode != mtasts::Mode::none)
            downgrades_.note(row.domain.name(), to_string(*mode), "expired");
        row.refresh_at.reset();
    }
    save(std::move(row));
}

void StsLookup::note_doubt(const store::StsRow& row, verdict::Sts& sts) {
    if (!store::is_doubtful(row, dependencies_.clock.moment())) return;
    sts.fetch_reason += fmt::format("; its max_age ended {} by a clock that is not confirmed yet, "
                                    "so it stays in force until that is",
                                    rfc3339(row.expires_at));
    if (std::exchange(doubt_logged_, true)) return;
    dependencies_.log.warning(
        "clock-unconfirmed",
        {{"domain", row.domain.name()},
         {"reason", "a policy past its max_age stays in force until the clock is "
                    "confirmed"}});
}

// Whether the row has changed.
bool StsLookup::note_record(store::StsRow& row, const verdict::Sts& sts) {
    using verdict::RecordState;
    if (sts.record == RecordState::failed || !sts.policy) return false;
    const bool gone = sts.record != RecordState::found;
    if (row.record_gone == gone) return false;
    row.record_gone = gone;
    // Whoever withdraws a policy of mode none does what RFC 8461 section 8.3 says.
    if (gone && sts.policy->mode != mtasts::Mode::none)
        downgrades_.note(row.domain.name(), "record", to_string(sts.record));
    return true;
}

async::Task<StsLookup::Result> StsLookup::look_up(store::StsRow row, Progress& progress, Fetch when,
                                                  For whom) {
    verdict::Sts& sts = progress.sts;
    progress.row = &row;
    const store::Age saved = row.age;
    store::Moment moment = dependencies_.clock.moment();
    row = store::as_of(std::move(row), moment);
    progress.moved = watch_.moved();
    show_stored(row, moment, sts);
    dns::ForClient resolver(dependencies_.resolver,
                            {.client = whom.client, .queued = &progress.waits});
    const dns::TxtResult txt = co_await dns::txt_lookup(resolver, row.domain);
    sts.record = txt.state;
    sts.record_id = txt.id;
    sts.record_reason = txt.reason;
    if (txt.unasked) sts.unasked = txt.reason;
    moment = dependencies_.clock.moment();
    row = store::as_of(std::move(row), moment);
    progress.move(watch_.moved());
    if (progress.forgotten) co_return Result{sts, txt.ttl};
    const bool aged = !row.body.empty() && is_worth_noting(saved, row.age, moment);
    const bool changed = note_record(row, sts) || aged;
    const bool held = sts.policy && sts.policy_id == txt.id;
    const bool has_record = txt.state == verdict::RecordState::found;
    const bool wanted = (has_record && !held) || ends_soon(sts, txt.ttl, moment.now) ||
                        store::is_doubtful(row, moment) || when == Fetch::daily ||
                        (when == Fetch::now && (has_record || sts.policy));
    const bool waits = when != Fetch::now && backing_off(row, id_for_fetch(row, sts), moment);
    if (wanted && waits) {
        show_failure(row, sts);
        note_doubt(row, sts);
    }
    if (wanted && !waits) {
        if (fetching_ < max_fetching_without_slot) whom.slot.reset();
        co_await fetch(std::move(row), progress, whom.client);
    } else if (changed) {
        save(std::move(row));
    }
    progress.row = nullptr;
    // Nothing is left to hope for, nor to show, of one that has ended.
    const bool failed =
        sts.fetch == verdict::FetchState::failed || sts.fetch == verdict::FetchState::invalid;
    if (failed && sts.policy && sts.expires_at <= dependencies_.clock.now()) sts.policy.reset();
    // What cannot be fetched now may have been fetched by another node.
    if (failed && has_record && !sts.policy && sts.unread.empty()) sts.unread = progress.elsewhere;
    co_return Result{sts, txt.ttl};
}

async::Task<> StsLookup::fetch(store::StsRow row, Progress& progress,
                               async::Limiter::ClientId client) {
    progress.row = &row;
    verdict::Sts& sts = progress.sts;
    sts.fetch = verdict::FetchState::pending;
    fetching_++;
    const dns::Asker asker{.client = client, .queued = &progress.waits};
    const https::FetchResult fetched = co_await dependencies_.fetcher.fetch(row.domain, asker);
    fetching_--;
    const std::optional<WallTime> date = fetched ? fetched->date : std::nullopt;
    if (date) watch_.heard(fetched->address, *date);
    progress.row = nullptr;
    row = store::as_of(std::move(row), dependencies_.clock.moment());
    progress.move(watch_.moved());
    if (progress.forgotten) co_return;
    if (fetched)
        keep(std::move(row), *fetched, sts);
    else
        keep(std::move(row), fetched.error(), sts);
}

void StsLookup::keep(store::StsRow row, const https::FetchedPolicy& fetched, verdict::Sts& sts) {
    store::Moment moment = dependencies_.clock.moment();
    const WallTime now = moment.now;
    const WallTime end = now + fetched.policy.max_age;
    if (held_mode(row) == mtasts::Mode::enforce && fetched.policy.mode != mtasts::Mode::enforce)
        downgrades_.note(row.domain.name(), "enforce", to_string(fetched.policy.mode));
    row =
        store::StsRow{.domain = std::move(row.domain),
                      .body = fetched.body,
                      .id = id_for_fetch(row, sts),
                      .fetched_at = now,
                      .expires_at = end,
                      .age = {.boot = std::move(moment.boot),
                              .elapsed = moment.elapsed,
                              .exact = true,
                              .dated = moment.confirmed},
                      .refresh_at = refresh_time(now, end, dependencies_.random.next()),
                      .record_gone = row.record_gone && sts.record != verdict::RecordState::found};
    sts.fetch = verdict::FetchState::fetched;
    sts.policy = fetched.policy;
    sts.policy_id = row.id;
    sts.fetched_at = row.fetched_at;
    sts.expires_at = row.expires_at;
    sts.unread.clear(); // whatever was held has a successor
    sts.fetch_note = fetched.note;
    dependencies_.log.debug("policy-fetched",
                            {{"domain", row.domain.name()},
                             {"id", row.id},
                             {"mode", std::string(to_string(fetched.policy.mode))}});
    save(std::move(row));
}

// The next due comes between: a policy that is unavailable for reasons of ours is due again soon,
// and not at once.
void StsLookup::put_off(store::StsRow row, const store::Moment& moment) {
    if (!row.refresh_at) return;
    const milliseconds half = (store::by_age(row, moment).expires_at - moment.now) / 2;
    const WallTime again =
        moment.now + std::clamp<milliseconds>(half, seconds(1), milliseconds(refresh_again));
    if (row.refresh_at > again) return;
    row.refresh_at = again;
    save(std::move(row));
}

void StsLookup::keep(store::StsRow row, const https::FetchError& error, verdict::Sts& sts) {
    const store::Moment moment = dependencies_.clock.moment();
    const WallTime now = moment.now;
    // Neither is the policy host's, so neither is kept, nor backed off from.
    if (error.fault == https::FetchFault::no_turn || error.ours) {
        // Without a DNS that validates mail goes on (rows 4 and 5); a turn comes soon.
        sts.fetch = error.ours ? verdict::FetchState::failed : verdict::FetchState::waiting;
        sts.fetch_fault = to_string(error.fault);
        sts.fetch_reason = error.reason;
        put_off(std::move(row), moment);
        return;
    }
    const WallTime expires_at = store::by_age(row, moment).expires_at;
    std::string id = id_for_fetch(row, sts);
    row.failures = row.failed_id == id && binds(row, moment) ? row.failures + 1 : 1;
    row.failed_id = std::move(id);
    row.fault = to_string(error.fault);
    row.reason = error.reason;
    row.failed_at = now;
    row.failed_by.clear();
    const milliseconds life_left = row.body.empty() ? milliseconds(0) : expires_at - now;
    row.retry_at = now + fetch_retry(row.failures, life_left);
    if (row.refresh_at) row.refresh_at = refresh_retry_time(row.retry_at, expires_at);
    show_failure(row, sts);
    note_doubt(row, sts);
    dependencies_.log.debug("policy-fetch-failed", {{"domain", row.domain.name()},
                                                    {"id", row.failed_id},
                                                    {"fault", row.fault},
                                                    {"reason", row.reason}});
    save(std::move(row));
}

} // namespace postseal::engine
