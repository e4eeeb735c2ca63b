// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/kept_overrides.h"

#include <string_view>
#include <utility>

namespace postseal::fleet {
namespace {

constexpr std::string_view prefix = "override/"; // of the fact's name, before the key

} // namespace

void KeptOverrides::read(const store::FleetState& state) {
    for (const store::FleetFact& fact : state.facts)
        if (fact.name.starts_with(prefix) && !fact.value.empty())
            lines_[fact.name.substr(prefix.size())] = fact.value;
}

store::FleetFact KeptOverrides::put(const std::string& key, const std::string& line) {
    if (line.empty())
        lines_.erase(key);
    else
        lines_[key] = line;
    return {.name = std::string(prefix) + key, .value = line};
}

KeptOverrides::Facts KeptOverrides::take_in(const std::vector<SharedOverride>& changed) {
    Facts facts;
    for (const SharedOverride& one : changed) {
        doubtful_.erase(one.key);
        facts.push_back(put(one.key, one.line));
    }
    return facts;
}

void KeptOverrides::doubt_all() {
    for (const auto& [key, line] : lines_)
        doubtful_.insert(key);
}

KeptOverrides::Facts KeptOverrides::drop_doubtful() {
    Facts facts;
    for (const std::string& key : std::exchange(doubtful_, {}))
        facts.push_back(put(key, ""));
    return facts;
}

std::string KeptOverrides::lines() const {
    std::string all;
    for (const auto& [key, line] : lines_)
        all += line + "\n";
    return all;
}

} // namespace postseal::fleet
