// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_memory.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

using Json = AdminMemory::Json;

constexpr std::size_t most_looked_at = 2000; // rows of the store a request
constexpr std::size_t most_listed = 500;
constexpr std::size_t most_history = 10'000;

Json time_or_null(WallTime time) {
    if (time == WallTime{}) return nullptr;
    return rfc3339(time);
}

std::string text_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::size_t number_of(const Json& request, const char* name, std::size_t most) {
    const auto found = request.find(name);
    if (found == request.end() || !found->is_number_unsigned()) return most;
    return std::min(found->get<std::size_t>(), most);
}

std::expected<Nexthop, std::string> nexthop_of(const Json& request) {
    const std::string key = text_of(request, "key");
    auto nexthop = Nexthop::parse(key);
    if (!nexthop)
        return std::unexpected(fmt::format("\"{}\" is not a destination that can have a policy: {}",
                                           printable(key), nexthop.error().text));
    return std::move(*nexthop);
}

Json policy_json(const store::StsRow& row, WallTime now) {
    if (row.body.empty()) return nullptr;
    const auto policy = mtasts::parse_policy(row.body);
    if (!policy) return nullptr;
    Json mx = Json::array();
    for (const mtasts::MxPattern& pattern : policy->mx)
        mx.push_back(pattern.text());
    return {{"mode", mtasts::to_string(policy->mode)},
            {"mx", std::move(mx)},
            {"max_age_s", policy->max_age.count()},
            {"id", row.id},
            {"fetched_at", time_or_null(row.fetched_at)},
            {"expires_at", time_or_null(row.expires_at)},
            {"refresh_at", time_or_null(row.refresh_at)},
            {"in_force", now < row.expires_at},
            {"record_gone", row.record_gone}};
}

Json failing_json(const store::StsRow& row) {
    if (row.failures == 0) return nullptr;
    return {{"id", row.failed_id},
            {"fault", row.fault},
            {"reason", row.reason},
            {"failures", row.failures},
            {"failed_at", time_or_null(row.failed_at)},
            {"retry_at", time_or_null(row.retry_at)}};
}

Json dane_json(const store::NexthopRow& row) {
    if (row.dane_seen_at == WallTime{}) return nullptr;
    return {{"found", row.dane}, {"seen_at", time_or_null(row.dane_seen_at)}};
}

Json kept_json(const store::Listed& kept, WallTime now) {
    const store::NexthopRow& row = kept.nexthop;
    const auto domain = policy_domain(row);
    Json out = {{"key", row.nexthop},
                {"domain", domain ? Json(domain->name()) : Json(nullptr)},
                {"verdict", row.verdict.empty() ? Json(nullptr) : Json(row.verdict)},
                {"row", row.row},
                {"verdict_since", time_or_null(row.verdict_since)},
                {"seen_at", time_or_null(row.seen_at)},
                {"dane", dane_json(row)}};
    out["policy"] = kept.sts ? policy_json(*kept.sts, now) : Json(nullptr);
    out["failing"] = kept.sts ? failing_json(*kept.sts) : Json(nullptr);
    return out;
}

std::string_view class_of(std::string_view verdict) {
    const std::string_view word = verdict.substr(0, verdict.find(' '));
    return word == "dane-only" ? "dane" : word;
}

// What a list is to have; nothing: all.
struct Filter {
    std::string cls;
    std::string mode;
    bool failing = false;
    std::optional<seconds> expiring;

    [[nodiscard]] bool takes(const store::Listed& kept, const Json& json, WallTime now) const {
        if (!cls.empty() && class_of(kept.nexthop.verdict) != cls) return false;
        if (failing && json["failing"].is_null()) return false;
        const Json& policy = json["policy"];
        if (mode.empty() && !expiring) return true;
        if (policy.is_null() || !policy["in_force"].get<bool>()) return false;
        if (!mode.empty() && policy["mode"] != mode) return false;
        return !expiring || (kept.sts && kept.sts->expires_at <= now + *expiring);
    }
};

std::expected<Filter, std::string> filter_of(const Json& request) {
    constexpr std::array classes{"dane", "enforce", "may", "override", "tempfail"};
    constexpr std::array modes{"enforce", "testing", "none"};
    Filter filter{
        .cls = text_of(request, "class"), .mode = text_of(request, "mode"), .expiring = {}};
    if (!filter.cls.empty() && std::ranges::find(classes, filter.cls) == classes.end())
        return std::unexpected(fmt::format("there is no class \"{}\"; there are: {}",
                                           printable(filter.cls),
                                           "dane, enforce, may, override, tempfail"));
    if (!filter.mode.empty() && std::ranges::find(modes, filter.mode) == modes.end())
        return std::unexpected(fmt::format("there is no mode \"{}\"; there are: {}",
                                           printable(filter.mode), "enforce, testing, none"));
    filter.failing = request.value("failing", Json(false)) == Json(true);
    const auto expiring = request.find("expiring_s");
    if (expiring != request.end() && expiring->is_number_unsigned())
        filter.expiring =
            seconds(std::min<std::uint64_t>(expiring->get<std::uint64_t>(), 1U << 30U));
    return filter;
}

} // namespace

async::Task<AdminMemory::Result> AdminMemory::show(Json request) {
    const auto nexthop = nexthop_of(request);
    if (!nexthop) co_return std::unexpected(nexthop.error());
    const engine::Sources& sources = engine_.sources();
    store::Loaded loaded = co_await sources.store.load(nexthop->domain, nexthop->key());
    const bool known =
        (loaded.nexthop && !is_blank(*loaded.nexthop)) || (loaded.sts && !is_blank(*loaded.sts));
    if (!known) co_return Json{{"show", nullptr}};
    store::NexthopRow row =
        std::move(loaded.nexthop)
            .value_or(store::NexthopRow{.nexthop = nexthop->key(), .verdict = {}});
    const store::Listed kept{.nexthop = std::move(row), .sts = std::move(loaded.sts)};
    co_return Json{{"show", kept_json(kept, sources.clock.now())}};
}

async::Task<AdminMemory::Result> AdminMemory::list(Json request) {
    const auto filter = filter_of(request);
    if (!filter) co_return std::unexpected(filter.error());
    const std::size_t most = std::max<std::size_t>(number_of(request, "most", most_listed), 1);
    const engine::Sources& sources = engine_.sources();
    const std::vector<store::Listed> page =
        co_await sources.store.list(text_of(request, "after"), most_looked_at);
    const WallTime now = sources.clock.now();
    Json list = Json::array();
    Json next = page.size() < most_looked_at ? Json(nullptr) : Json(page.back().nexthop.nexthop);
    for (std::size_t i = 0; i < page.size(); i++) {
        Json json = kept_json(page[i], now);
        if (!filter->takes(page[i], json, now)) continue;
        list.push_back(std::move(json));
        if (list.size() < most) continue;
        if (i + 1 < page.size()) next = page[i].nexthop.nexthop;
        break;
    }
    co_return Json{{"list", std::move(list)}, {"next", std::move(next)}};
}

async::Task<AdminMemory::Result> AdminMemory::history(Json request) {
    const auto nexthop = nexthop_of(request);
    if (!nexthop) co_return std::unexpected(nexthop.error());
    const std::size_t most = number_of(request, "most", most_history);
    const std::vector<store::HistoryRow> rows =
        co_await engine_.sources().store.history(nexthop->key(), most);
    Json history = Json::array();
    for (const store::HistoryRow& row : rows) {
        const bool verdict = row.kind == store::HistoryRow::Kind::verdict;
        history.push_back({{"at", rfc3339(row.at)},
                           {"kind", verdict ? "verdict" : "downgrade"},
                           {"before", row.before},
                           {"after", row.after},
                           {"row", verdict ? Json(row.row) : Json(nullptr)},
                           {"reasons", verdict ? Json(row.reasons) : Json(nullptr)}});
    }
    co_return Json{{"history", std::move(history)}};
}

async::Task<AdminMemory::Result> AdminMemory::refresh(Json request) {
    const auto nexthop = nexthop_of(request);
    if (!nexthop) co_return std::unexpected(nexthop.error());
    const auto answer = co_await engine_.refresh(*nexthop);
    co_return Json{
        {"key", nexthop->key()},
        {"verdict", brief(answer->verdict)},
        {"row", answer->verdict.row},
        {"reason", answer->verdict.reasons.empty() ? "" : answer->verdict.reasons.front()},
        {"partial", answer->evidence.partial}};
}

async::Task<AdminMemory::Result> AdminMemory::forget(Json request) {
    const auto nexthop = nexthop_of(request);
    if (!nexthop) co_return std::unexpected(nexthop.error());
    Json shown = std::move(request);
    const Result before = co_await show(std::move(shown));
    engine_.forget(*nexthop);
    co_return Json{{"forgotten", before.has_value() && !(*before)["show"].is_null()}};
}

} // namespace postseal::serve
