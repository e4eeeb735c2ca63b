// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_memory.h"

#include "postseal/base/text.h"
#include "serve/kept_json.h"
#include "json/json.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

constexpr std::size_t max_looked_at = 2000; // rows of the store a request
constexpr std::size_t portion = 32;         // of them, at once in memory: with bodies some 2 MiB
constexpr std::size_t max_reply = 262'144;  // bytes of JSON, and one row more
constexpr std::size_t max_listed = 500;
constexpr std::size_t max_history = 10'000;
constexpr std::size_t max_imported = 1000; // a request
constexpr std::size_t longest_pattern = 255;

std::size_t number_of(const Json& request, const char* name, std::size_t most) {
    const auto found = request.find(name);
    if (found == request.end() || !found->is_number_unsigned()) return most;
    return std::min(found->get<std::size_t>(), most);
}

bool flag_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && *found == Json(true);
}

std::expected<Nexthop, std::string> nexthop_of(const Json& request) {
    const std::string key = text_of(request, "key");
    if (auto destination = Nexthop::parse_destination(key)) return *std::move(destination);
    return std::unexpected(fmt::format("\"{}\" is not a destination that can have a policy: {}",
                                       printable(key), Nexthop::parse(key).error().text));
}

std::string_view to_string(engine::Import outcome) {
    switch (outcome) {
    case engine::Import::taken:
        return "taken";
    case engine::Import::held:
        return "held";
    case engine::Import::expired:
        return "expired";
    case engine::Import::unread:
        break;
    }
    return "";
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
    std::string pattern; // of glob(7); empty: all keys

    [[nodiscard]] bool takes(const store::Listed& kept, const Json& json, WallTime now) const {
        if (!pattern.empty() &&
            ::fnmatch(pattern.c_str(), kept.nexthop.nexthop.c_str(), FNM_CASEFOLD) != 0)
            return false;
        if (!cls.empty() && (json["outdated"] || class_of(kept.nexthop.verdict) != cls))
            return false;
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
    filter.failing = flag_of(request, "failing");
    filter.pattern = text_of(request, "pattern");
    if (filter.pattern.size() > longest_pattern)
        return std::unexpected(fmt::format("a pattern has at most {} octets", longest_pattern));
    const auto expiring = request.find("expiring_s");
    if (expiring != request.end() && expiring->is_number_unsigned())
        filter.expiring =
            seconds(std::min<std::uint64_t>(expiring->get<std::uint64_t>(), 1U << 30U));
    return filter;
}

// Nothing: all.
std::expected<std::optional<WallTime>, std::string> since_of(const Json& request) {
    const auto found = request.find("since");
    if (found == request.end()) return std::nullopt;
    const auto time = found->is_string() ? parse_until(found->get<std::string>()) : std::nullopt;
    if (!time) return std::unexpected("\"since\" must be a time such as 2026-01-31T12:00:00Z");
    return *time;
}

// Both are the newest first, and so is what comes of them.
std::vector<store::HistoryRow> newest(std::vector<store::HistoryRow> some,
                                      std::vector<store::HistoryRow> others, std::size_t most) {
    std::ranges::move(others, std::back_inserter(some));
    std::ranges::sort(some, std::greater<>(),
                      [](const store::HistoryRow& row) { return std::pair(row.at, row.nexthop); });
    if (some.size() > most) some.resize(most);
    return some;
}

// Not by the overrides as they are now: it changes when Postfix asks again.
bool is_of_other_overrides(const engine::Engine& engine, const store::NexthopRow& row) {
    using Kind = verdict::Override::Kind;
    const auto nexthop = Nexthop::parse_destination(row.nexthop);
    if (!nexthop || row.verdict.empty()) return false;
    const std::optional<verdict::Override> says = engine.override_of(*nexthop);
    constexpr int row_of_overrides = 1;
    if (says.has_value() != (row.row == row_of_overrides)) return true;
    if (!says) return false;
    switch (says->kind) {
    case Kind::policy:
        return row.verdict != "override " + says->policy;
    case Kind::ignore:
        return row.verdict != "may";
    case Kind::sts_only:
        return row.verdict != "may" && row.verdict != "enforce";
    case Kind::sealed:
        return row.verdict == "may" ||
               (row.verdict.starts_with("override ") && row.verdict != "override dane-only");
    }
    return false;
}

// What the row does not have.
void add_what_counts_now(Json& json, const engine::Engine& engine, const store::NexthopRow& row) {
    json["findings"] = engine.findings().json_of(row.nexthop, engine.dependencies().clock.now());
    json["outdated"] = is_of_other_overrides(engine, row);
}

// Of a fleet; empty where there is none.
std::string node_of(const store::Store& store) {
    store::Status status = store.status();
    return status.shared ? std::move(status.shared->node) : std::string();
}

// With the times that the policy's age makes of it, whatever the wall clock says.
store::Listed aged(store::Listed kept, const store::Moment& moment) {
    kept.nexthop = store::as_of(std::move(kept.nexthop), moment);
    if (kept.sts) kept.sts = store::by_age(store::as_of(std::move(*kept.sts), moment), moment);
    return kept;
}

// Of all that there are.
bool is_last(const store::Listed& kept, const std::vector<store::Listed>& page) {
    return page.size() < portion && &kept == &page.back();
}

} // namespace

async::Task<AdminMemory::Result> AdminMemory::show(Json request) {
    const auto nexthop = nexthop_of(request);
    if (!nexthop) co_return std::unexpected(nexthop.error());
    const engine::Dependencies& dependencies = engine_.dependencies();
    store::Loaded loaded = co_await dependencies.store.load(nexthop->domain, nexthop->key());
    for (const std::string& why : {loaded.nexthop_unread, loaded.sts_unread})
        if (!why.empty()) co_return std::unexpected(why);
    const bool known =
        (loaded.nexthop && !is_blank(*loaded.nexthop)) || (loaded.sts && !is_blank(*loaded.sts));
    if (!known) co_return Json{{"show", nullptr}};
    store::NexthopRow row =
        std::move(loaded.nexthop)
            .value_or(store::NexthopRow{.nexthop = nexthop->key(), .verdict = {}});
    const store::Moment moment = dependencies.clock.moment();
    const store::Listed kept =
        aged({.nexthop = std::move(row), .sts = std::move(loaded.sts)}, moment);
    const std::string node = node_of(dependencies.store);
    Json shown = kept_json(kept, node, moment.now, Bodies::no);
    add_what_counts_now(shown, engine_, kept.nexthop);
    co_return Json{{"show", std::move(shown)}};
}

async::Task<AdminMemory::Result> AdminMemory::list(Json request) {
    const auto filter = filter_of(request);
    if (!filter) co_return std::unexpected(filter.error());
    const std::size_t most = std::max<std::size_t>(number_of(request, "most", max_listed), 1);
    const engine::Dependencies& dependencies = engine_.dependencies();
    const store::Moment moment = dependencies.clock.moment();
    const WallTime now = moment.now;
    const std::string node = node_of(dependencies.store);
    const Bodies bodies = flag_of(request, "bodies") ? Bodies::yes : Bodies::no;
    Json list = Json::array();
    std::string after = text_of(request, "after");
    std::size_t bytes = 0;
    co_await dependencies.store.flush();
    for (std::size_t looked_at = 0; looked_at < max_looked_at; looked_at += portion) {
        const auto page = co_await archive_.ask(store::listed_after, after, portion);
        if (const std::string why = dependencies.store.status().unread;
            page.empty() && !why.empty())
            co_return std::unexpected(why);
        for (const store::Listed& stored : page) {
            after = stored.nexthop.nexthop;
            const store::Listed kept = aged(stored, moment);
            Json json = kept_json(kept, node, now, bodies);
            add_what_counts_now(json, engine_, kept.nexthop);
            if (!filter->takes(kept, json, now)) continue;
            bytes += dumped(json).size();
            list.push_back(std::move(json));
            if (list.size() >= most || bytes >= max_reply)
                co_return Json{{"list", std::move(list)},
                               {"next", is_last(stored, page) ? Json(nullptr) : Json(after)}};
        }
        if (page.size() < portion) co_return Json{{"list", std::move(list)}, {"next", nullptr}};
    }
    co_return Json{{"list", std::move(list)}, {"next", after}};
}

async::Task<AdminMemory::Result> AdminMemory::history(Json request) {
    const std::size_t most = number_of(request, "most", max_history);
    const auto since = since_of(request);
    if (!since) co_return std::unexpected(since.error());
    std::vector<store::HistoryRow> rows;
    if (request.contains("key")) {
        const auto nexthop = nexthop_of(request);
        if (!nexthop) co_return std::unexpected(nexthop.error());
        co_await engine_.dependencies().store.flush();
        rows = co_await archive_.ask(store::history_of, nexthop->key(), most);
    } else {
        using Kind = store::HistoryRow::Kind;
        rows = co_await archive_.ask(store::latest_history, Kind::verdict, most);
        std::vector<store::HistoryRow> downgrades =
            co_await archive_.ask(store::latest_history, Kind::downgrade, most);
        rows = newest(std::move(rows), std::move(downgrades), most);
    }
    std::erase_if(rows, [&](const store::HistoryRow& row) { return row.at < *since; });
    if (const std::string why = engine_.dependencies().store.status().unread;
        rows.empty() && !why.empty())
        co_return std::unexpected(why);
    Json history = Json::array();
    std::size_t bytes = 0;
    for (const store::HistoryRow& row : rows) {
        bytes += row.before.size() + row.after.size() + row.reasons.size() + 100;
        if (bytes > max_reply) break;
        const bool verdict = row.kind == store::HistoryRow::Kind::verdict;
        history.push_back({{"key", row.nexthop},
                           {"at", rfc3339(row.at)},
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

async::Task<AdminMemory::Result> AdminMemory::import(Json request) {
    const auto entries = request.find("entries");
    if (entries == request.end() || !entries->is_array() || entries->size() > max_imported)
        co_return std::unexpected(
            fmt::format("\"entries\" must be an array of at most {} objects", max_imported));
    using engine::Engine;
    const auto dry_run = flag_of(request, "dry_run") ? Engine::DryRun::yes : Engine::DryRun::no;
    Json results = Json::array();
    for (const Json& entry : *entries) {
        auto memory = memory_of_kept(entry, engine_.dependencies().clock.now());
        if (!memory) {
            results.push_back({{"outcome", "rejected"}, {"reason", memory.error()}});
            continue;
        }
        const engine::Import outcome = co_await engine_.import(std::move(*memory), dry_run);
        if (outcome == engine::Import::unread)
            co_return std::unexpected("the database cannot be read now, see \"postseal stats\": "
                                      "import again when it can");
        results.push_back({{"outcome", to_string(outcome)}});
    }
    if (dry_run == Engine::DryRun::no) co_await engine_.dependencies().store.flush();
    co_return Json{{"results", std::move(results)}};
}

} // namespace postseal::serve
