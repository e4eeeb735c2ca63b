// SPDX-License-Identifier: BSD-3-Clause
#include "serve/kept_json.h"

#include "postseal/base/text.h"
#include "postseal/mtasts/policy.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

using namespace std::chrono_literals;
using Fault = std::unexpected<std::string>;

constexpr std::size_t longest_id = 32;       // RFC 8461 section 3.1
constexpr std::size_t longest_verdict = 200; // an override's text may be long
constexpr milliseconds clock_tolerance = 5min;

Json time_or_null(std::optional<WallTime> time) { return time ? Json(rfc3339(*time)) : nullptr; }

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// `node` itself has no name in its own store.
Json origin_json(const std::string& by, const std::string& node) {
    return text_or_null(by.empty() ? node : by);
}

Json policy_json(const store::StsRow& row, const std::string& node, WallTime now, Bodies bodies) {
    if (row.body.empty()) return nullptr;
    const auto policy = mtasts::parse_policy(row.body);
    if (!policy) return nullptr;
    Json mx = Json::array();
    for (const mtasts::MxPattern& pattern : policy->mx)
        mx.push_back(pattern.text());
    Json out = {{"mode", mtasts::to_string(policy->mode)},
                {"mx", std::move(mx)},
                {"max_age_s", policy->max_age.count()},
                {"id", row.id},
                {"fetched_at", rfc3339(row.fetched_at)},
                {"expires_at", rfc3339(row.expires_at)},
                {"refresh_at", time_or_null(row.refresh_at)},
                {"in_force", now < row.expires_at},
                {"record_gone", row.record_gone},
                {"origin", origin_json(row.origin, node)}};
    if (bodies == Bodies::yes) out["body"] = row.body;
    return out;
}

Json failing_json(const store::StsRow& row, const std::string& node) {
    if (row.failures == 0) return nullptr;
    return {{"id", row.failed_id},
            {"fault", row.fault},
            {"reason", row.reason},
            {"failures", row.failures},
            {"failed_at", rfc3339(row.failed_at)},
            {"retry_at", rfc3339(row.retry_at)},
            {"origin", origin_json(row.failed_by, node)}};
}

Json dane_json(const store::NexthopRow& row, const std::string& node) {
    if (!row.dane_seen_at) return nullptr;
    return {{"found", row.dane},
            {"seen_at", rfc3339(*row.dane_seen_at)},
            {"origin", origin_json(row.dane_by, node)}};
}

// Null where it is not there or null.
const Json& member(const Json& object, const char* name) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
}

// Nothing where it is not there.
std::expected<std::optional<WallTime>, std::string> time_of(const Json& object, const char* name,
                                                            WallTime now) {
    const Json& text = member(object, name);
    if (text.is_null()) return std::nullopt;
    const auto time = text.is_string() ? parse_until(text.get<std::string>()) : std::nullopt;
    if (!time) return Fault(fmt::format("{} is not a time such as 2026-01-31T12:00:00Z", name));
    if (*time > now + clock_tolerance)
        return Fault(fmt::format("{} lies in the future: is a clock wrong?", name));
    if (*time == WallTime{}) return std::nullopt; // as it would be in the store
    return std::min(*time, now);
}

std::expected<void, std::string> read_policy(const Json& policy, WallTime now,
                                             engine::Memory& memory) {
    if (policy.is_null()) return {};
    memory.body = text_of(policy, "body");
    if (memory.body.empty()) return Fault("its policy has no body: take what \"export\" writes");
    if (const auto read = mtasts::parse_policy(memory.body); !read)
        return Fault(fmt::format("its policy is not valid: {}{}",
                                 read.error().line > 0 ? fmt::format("line {}: ", read.error().line)
                                                       : std::string(),
                                 read.error().text));
    memory.id = text_of(policy, "id");
    if (memory.id.size() > longest_id || printable(memory.id) != memory.id)
        return Fault("its policy's id is not valid");
    const auto read = time_of(policy, "fetched_at", now);
    if (!read) return Fault(read.error());
    const std::optional<WallTime> fetched_at = *read;
    if (!fetched_at) return Fault("its policy has no fetched_at");
    memory.fetched_at = *fetched_at;
    return {};
}

std::expected<void, std::string> read_row(const Json& kept, WallTime now, store::NexthopRow& row) {
    const Json& dane = member(kept, "dane");
    const auto dane_seen_at = time_of(dane, "seen_at", now);
    const auto verdict_since = time_of(kept, "verdict_since", now);
    const auto seen_at = time_of(kept, "seen_at", now);
    for (const auto* time : {&dane_seen_at, &verdict_since, &seen_at})
        if (!*time) return Fault(time->error());
    row.dane = member(dane, "found") == Json(true);
    row.dane_seen_at = *dane_seen_at;
    row.seen_at = *seen_at;
    row.verdict = text_of(kept, "verdict");
    if (printable(row.verdict, longest_verdict) != row.verdict)
        return Fault("its verdict is not valid");
    if (row.verdict.empty()) return {};
    row.verdict_since = *verdict_since;
    const Json& number = member(kept, "row");
    row.row = number.is_number_integer() ? number.get<int>() : 0;
    return {};
}

} // namespace

Json kept_json(const store::Listed& kept, const std::string& node, WallTime now, Bodies bodies) {
    const store::NexthopRow& row = kept.nexthop;
    const auto domain = policy_domain(row);
    Json out = {{"key", row.nexthop},
                {"domain", domain ? Json(domain->name()) : Json(nullptr)},
                {"node", text_or_null(node)},
                {"verdict", text_or_null(row.verdict)},
                {"row", row.row},
                {"verdict_since", time_or_null(row.verdict_since)},
                {"seen_at", time_or_null(row.seen_at)},
                {"dane", dane_json(row, node)}};
    out["policy"] = kept.sts ? policy_json(*kept.sts, node, now, bodies) : Json(nullptr);
    out["failing"] = kept.sts ? failing_json(*kept.sts, node) : Json(nullptr);
    return out;
}

std::expected<engine::Memory, std::string> memory_of_kept(const Json& kept, WallTime now) {
    if (!kept.is_object()) return Fault("not a JSON object");
    const std::string key = text_of(kept, "key");
    if (key.empty()) return Fault("it has no key");
    auto nexthop = Nexthop::parse(key);
    if (!nexthop)
        return Fault(fmt::format("\"{}\" is not a destination that can have a policy: {}",
                                 printable(key), nexthop.error().text));
    engine::Memory memory{.nexthop = std::move(*nexthop)};
    memory.row.nexthop = memory.nexthop.key();
    if (auto read = read_policy(member(kept, "policy"), now, memory); !read)
        return Fault(read.error());
    if (auto read = read_row(kept, now, memory.row); !read) return Fault(read.error());
    return memory;
}

} // namespace postseal::serve
