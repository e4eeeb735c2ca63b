// SPDX-License-Identifier: BSD-3-Clause
#include "engine/maps.h"

#include <algorithm>

namespace postseal::engine {

Maps::Maps(const std::vector<config::Map>& maps) {
    for (const config::Map& map : maps) {
        auto variant = std::ranges::find(variants_, map.reply);
        if (variant == variants_.end()) variant = variants_.insert(variant, map.reply);
        maps_.emplace_back(map.name, static_cast<std::size_t>(variant - variants_.begin()));
    }
}

std::optional<std::size_t> Maps::find(std::string_view name) const {
    for (const auto& [known, variant] : maps_)
        if (known == name) return variant;
    return std::nullopt;
}

std::string Maps::names() const {
    std::string out;
    for (const auto& [name, variant] : maps_)
        out += (out.empty() ? "" : ", ") + name;
    return out;
}

} // namespace postseal::engine
