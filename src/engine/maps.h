// engine/maps.h: the maps by name, and the few ways of writing a reply that they share
//
// Several maps may write replies in the same way; such a way is a variant, and an answer is written
// once for each variant.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "postseal/verdict/reply.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::engine {

class Maps {
  public:
    explicit Maps(const std::vector<config::Map>& maps);

    // The variant that the map writes; nothing: there is no such map.
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    [[nodiscard]] const std::vector<verdict::ReplyOptions>& variants() const { return variants_; }
    // "postfix, QUERY, ...", for messages.
    [[nodiscard]] std::string names() const;
    // In the configuration's order.
    [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& all() const {
        return maps_;
    }

    friend bool operator==(const Maps&, const Maps&) = default;

  private:
    std::vector<std::pair<std::string, std::size_t>> maps_;
    std::vector<verdict::ReplyOptions> variants_;
};

} // namespace postseal::engine
