// SPDX-License-Identifier: BSD-3-Clause
#include "engine/findings.h"

#include "engine/deferral.h"
#include "engine/outlook.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

// What is in use is looked up at least once an hour.
constexpr milliseconds dropped_after = std::chrono::hours(3);

bool is_outdated(WallTime noted_at, WallTime now) {
    return now < noted_at || noted_at + dropped_after < now;
}

} // namespace

Json finding_json(const verdict::Finding& finding) {
    return {{"code", to_string(finding.code)}, {"text", finding.text}, {"fix", finding.fix}};
}

void Findings::note(const Answer& answer, WallTime now) {
    const std::string key = answer.evidence.nexthop.key();
    std::vector<verdict::Finding> found = verdict::findings(answer.evidence, now);
    if (const Deferral deferred = deferral(answer))
        found.insert(found.begin(), {.code = verdict::FindingCode::deferred,
                                     .text = deferred.text(),
                                     .fix = outlook(answer).next});
    const auto there = destinations_.find(key);
    if (found.empty()) {
        if (there != destinations_.end()) destinations_.erase(there);
        return;
    }
    Destination next{.all = {}, .noted_at = now, .override_ = answer.evidence.override_};
    for (verdict::Finding& finding : found) {
        const auto same = [&](const Entry& known) { return known.finding.code == finding.code; };
        WallTime since = now;
        bool is_new = true;
        if (there != destinations_.end())
            if (const auto known = std::ranges::find_if(there->second.all, same);
                known != there->second.all.end()) {
                since = known->since;
                is_new = false;
            }
        // That mail is deferred has a line of its own (NexthopNotes).
        if (is_new && finding.code != verdict::FindingCode::deferred)
            log_.warning("finding", {{"nexthop", key},
                                     {"code", std::string(to_string(finding.code))},
                                     {"reason", finding.text}});
        next.all.push_back({std::move(finding), since});
    }
    if (there != destinations_.end()) {
        there->second = std::move(next);
        return;
    }
    if (destinations_.size() >= max_findings) drop_outdated(now);
    if (destinations_.size() < max_findings) destinations_.emplace(key, std::move(next));
}

void Findings::drop_outdated(WallTime now) {
    std::erase_if(destinations_,
                  [&](const auto& item) { return is_outdated(item.second.noted_at, now); });
}

void Findings::forget(std::string_view key) {
    if (const auto there = destinations_.find(key); there != destinations_.end())
        destinations_.erase(there);
}

void Findings::go_by(const OverrideOf& override_of) {
    for (auto& [key, destination] : destinations_)
        destination.outdated = override_of(key) != destination.override_;
}

bool Findings::counts(const Destination& destination, WallTime now) {
    return !destination.outdated && !is_outdated(destination.noted_at, now);
}

std::vector<Findings::Entry> Findings::of(std::string_view key, WallTime now) const {
    const auto there = destinations_.find(key);
    if (there == destinations_.end() || !counts(there->second, now)) return {};
    return there->second.all;
}

Json Findings::Entry::json() const {
    Json out = finding_json(finding);
    out["since"] = rfc3339(since);
    return out;
}

Json Findings::Keyed::json() const {
    Json out = {{"key", key}};
    out.update(known.json());
    return out;
}

Json Findings::json_of(std::string_view key, WallTime now) const {
    Json out = Json::array();
    for (const Entry& known : of(key, now))
        out.push_back(known.json());
    return out;
}

std::vector<Findings::Keyed> Findings::with(verdict::FindingCode code, std::size_t max,
                                            WallTime now) const {
    std::vector<Keyed> out;
    for (const auto& [key, destination] : destinations_)
        for (const Entry& known : destination.all)
            if (known.finding.code == code && counts(destination, now)) out.push_back({key, known});
    std::ranges::sort(out, std::greater<>(),
                      [](const Keyed& keyed) { return std::pair(keyed.known.since, keyed.key); });
    if (out.size() > max) out.resize(max);
    return out;
}

std::uint64_t Findings::count(verdict::FindingCode code, WallTime now) const {
    std::uint64_t count = 0;
    for (const auto& [key, destination] : destinations_)
        if (counts(destination, now))
            count += static_cast<std::uint64_t>(std::ranges::count_if(
                destination.all, [&](const Entry& known) { return known.finding.code == code; }));
    return count;
}

} // namespace postseal::engine
