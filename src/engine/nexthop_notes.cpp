// SPDX-License-Identifier: BSD-3-Clause
#include "engine/nexthop_notes.h"

#include "engine/validity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

using namespace std::chrono_literals;
using verdict::HostState;
using verdict::MxState;

// It is for days: what has not changed is written again only now and then.
constexpr milliseconds same_for = 1h;
// Mail has not been waiting all the time.
constexpr milliseconds tempfail_is_news_after = 24h;
// Clocks differ by so much.
constexpr milliseconds ahead_at_most = 24h;

// Nothing where a lookup failed before the answer was sure, or there was none.
std::optional<bool> dane_seen(const verdict::Evidence& evidence) {
    const verdict::Mx& mx = evidence.mx;
    const auto has = [&](HostState state) {
        return std::ranges::any_of(mx.hosts, [&](const auto& host) { return host.state == state; });
    };
    if (evidence.override_ && evidence.override_->kind != verdict::Override::Kind::sealed)
        return std::nullopt;
    if (mx.state == MxState::bogus || mx.state == MxState::failed) return std::nullopt;
    if (has(HostState::usable) || has(HostState::unusable)) return true;
    if (has(HostState::failed) || mx.beyond > 0) return std::nullopt;
    return false;
}

} // namespace

verdict::Remembered NexthopNotes::remembered(const store::NexthopRow& row, WallTime now) {
    if (!row.dane_seen_at || now >= *row.dane_seen_at + remembered_for ||
        row.dane_seen_at > now + ahead_at_most)
        return verdict::Remembered::nothing;
    if (row.dane) return verdict::Remembered::dane;
    // What another node of a fleet did not see may be its resolver's doing (fleet/merge.h).
    return row.dane_by.empty() ? verdict::Remembered::no_dane : verdict::Remembered::nothing;
}

void NexthopNotes::note(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                        Verdict use, const std::optional<store::NexthopRow>& before) {
    const WallTime now = evidence.obtained_at;
    store::NexthopRow row =
        before.value_or(store::NexthopRow{.nexthop = evidence.nexthop.key(), .verdict = {}});
    const bool dane_news = note_dane(evidence, row);
    const bool verdict_news = use == Verdict::given && note_verdict(evidence, verdict, row);
    const bool fresh = row.seen_at && *row.seen_at <= now && now < *row.seen_at + same_for;
    if (fresh && !dane_news && !verdict_news) return;
    row.seen_at = now;
    if (dane_seen(evidence)) {
        row.dane_seen_at = now;
        row.dane_by.clear();
    }
    dependencies_.store.save(std::move(row));
}

// Whether the row has changed.
bool NexthopNotes::note_dane(const verdict::Evidence& evidence, store::NexthopRow& row) {
    const std::optional<bool> dane = dane_seen(evidence);
    if (!dane) return false;
    const bool known = row.dane_seen_at.has_value();
    if (known && row.dane && !*dane) downgrades_.note(row.nexthop, "DANE", "no DANE");
    const bool is_own = row.dane || row.dane_by.empty();
    if (known && row.dane == *dane && is_own) return false;
    row.dane = *dane; // when, and by whom: note()
    return true;
}

// Once: a broken domain is looked at every few minutes.
void NexthopNotes::tell_of_tempfail(const verdict::Evidence& evidence,
                                    const verdict::Verdict& verdict,
                                    const store::NexthopRow& before) {
    if (verdict.cls != verdict::Class::tempfail) return;
    const bool told = before.verdict == brief(verdict);
    if (told && before.seen_at && evidence.obtained_at < *before.seen_at + tempfail_is_news_after)
        return;
    dependencies_.log.warning("tempfail", {{"nexthop", before.nexthop},
                                           {"row", fmt::format("{}", verdict.row)},
                                           {"reason", verdict.temp_reason}});
}

bool NexthopNotes::note_verdict(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                                store::NexthopRow& row) {
    tell_of_tempfail(evidence, verdict, row);
    std::string now = brief(verdict);
    const bool same_row = std::exchange(row.row, verdict.row) == verdict.row;
    if (now == row.verdict) return !same_row;
    const std::string before = std::exchange(row.verdict, std::move(now));
    row.verdict_since = evidence.obtained_at;
    if (before.empty()) return true;
    std::string reasons = fmt::format("{}", fmt::join(verdict.reasons, "; "));
    dependencies_.log.info("verdict-changed", {{"nexthop", row.nexthop},
                                               {"old", before},
                                               {"new", row.verdict},
                                               {"row", fmt::format("{}", row.row)},
                                               {"reason", verdict.reasons.front()}});
    dependencies_.store.save(store::HistoryRow{.nexthop = row.nexthop,
                                               .at = evidence.obtained_at,
                                               .kind = store::HistoryRow::Kind::verdict,
                                               .before = before,
                                               .after = row.verdict,
                                               .row = row.row,
                                               .reasons = std::move(reasons)});
    return true;
}

} // namespace postseal::engine
