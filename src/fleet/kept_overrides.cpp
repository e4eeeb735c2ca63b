// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/kept_overrides.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace postseal::fleet {
namespace {

// Of the fact's name, before the key. Its value: "TIME VERSION LENGTH BY LINE", LENGTH that of BY.
constexpr std::string_view prefix = "shared-override/";
// Of versions before: the line alone.
constexpr std::string_view old_prefix = "override/";
constexpr std::int64_t not_shared = std::numeric_limits<std::int64_t>::max();

std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end == text.data() + text.size() || *end != ' ')
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return number;
}

} // namespace

store::FleetFact KeptOverrides::fact_of(const Entry& kept) {
    return {.name = std::string(prefix) + kept.one.key,
            .value = fmt::format("{} {} {} {} {}", kept.one.at.time_since_epoch().count(),
                                 kept.version, kept.one.by.size(), kept.one.by, kept.one.line)};
}

void KeptOverrides::read(const store::FleetState& state) {
    for (const store::FleetFact& fact : state.facts) {
        if (!fact.name.starts_with(old_prefix) || fact.value.empty()) continue;
        std::string key = fact.name.substr(old_prefix.size());
        kept_.try_emplace(
            key, Entry{.one = {.key = key, .line = fact.value, .by = {}, .at = {}}, .version = 0});
    }
    for (const store::FleetFact& fact : state.facts) {
        if (!fact.name.starts_with(prefix)) continue;
        std::string key = fact.name.substr(prefix.size());
        std::string_view text = fact.value;
        const auto at = take_number(text);
        const auto version = at ? take_number(text) : std::nullopt;
        const auto size = version ? take_number(text) : std::nullopt;
        if (!size || *size < 0 || static_cast<std::size_t>(*size) >= text.size()) {
            kept_.erase(key); // dropped, with what an earlier version had kept
            continue;
        }
        const auto by = static_cast<std::size_t>(*size);
        kept_.insert_or_assign(key, Entry{.one = {.key = key,
                                                  .line = std::string(text.substr(by + 1)),
                                                  .by = std::string(text.substr(0, by)),
                                                  .at = WallTime(milliseconds(*at))},
                                          .version = *version});
    }
}

KeptOverrides::Facts KeptOverrides::take_in(const std::vector<SharedOverride>& theirs,
                                            std::int64_t version) {
    Facts facts;
    for (const SharedOverride& one : theirs) {
        const bool doubted = doubtful_.erase(one.key) > 0;
        const auto held = kept_.find(one.key);
        Entry kept{.one = one, .version = version};
        if (held != kept_.end() && !doubted) {
            kept.one = merge(held->second.one, one, WallTime::max() - std::chrono::hours(1));
            if (kept.one != one) kept.version = not_shared; // newer than the server's
        }
        facts.push_back(fact_of(kept));
        kept_.insert_or_assign(one.key, std::move(kept));
    }
    return facts;
}

KeptOverrides::Facts KeptOverrides::go_back_to(std::int64_t version) {
    Facts facts;
    for (auto& [key, kept] : kept_) {
        if (kept.version <= version || kept.version == not_shared) continue;
        kept.version = not_shared;
        facts.push_back(fact_of(kept));
    }
    return facts;
}

KeptOverrides::Facts KeptOverrides::offer_again(const std::string& key) {
    const auto found = kept_.find(key);
    if (found == kept_.end()) return {};
    found->second.version = not_shared;
    return {fact_of(found->second)};
}

std::vector<SharedOverride> KeptOverrides::unshared() const {
    std::vector<SharedOverride> unshared;
    for (const auto& [key, kept] : kept_)
        if (kept.version == not_shared) unshared.push_back(kept.one);
    return unshared;
}

void KeptOverrides::doubt_all() {
    for (auto& [key, kept] : kept_) {
        doubtful_.insert(key);
        kept.version = 0; // not for other tables
    }
}

KeptOverrides::Facts KeptOverrides::drop_doubtful() {
    Facts facts;
    for (const std::string& key : std::exchange(doubtful_, {})) {
        kept_.erase(key);
        facts.push_back({.name = std::string(prefix) + key, .value = {}});
    }
    return facts;
}

KeptOverrides::Lines KeptOverrides::in_force() const {
    Lines lines;
    for (const auto& [key, kept] : kept_)
        if (!kept.one.line.empty()) lines.emplace(key, kept.one.line);
    return lines;
}

std::vector<SharedOverride> KeptOverrides::changed_since(const Lines& before) const {
    std::vector<SharedOverride> changed;
    for (const auto& [key, kept] : kept_) {
        const auto found = before.find(key);
        if (kept.one.line != (found == before.end() ? std::string() : found->second))
            changed.push_back(kept.one);
    }
    for (const auto& [key, line] : before)
        if (!kept_.contains(key)) changed.push_back({.key = key, .line = {}, .by = {}, .at = {}});
    return changed;
}

std::string KeptOverrides::lines() const {
    std::string all;
    for (const auto& [key, kept] : kept_)
        if (!kept.one.line.empty()) all += kept.one.line + "\n";
    return all;
}

} // namespace postseal::fleet
