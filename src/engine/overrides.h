// engine/overrides.h: the operator's own word for a nexthop (postseal-overrides(5))
//
// A Postfix texthash file: "key<white space>policy" a line; "#" begins a comment line; a line that
// begins with white space continues the one before. Keys: a nexthop as Postfix asks for it, or
// ".example.com" for all below example.com (the longest that fits counts, an exact key first).
// Every policy is read by the model of Postfix's parser when the file is loaded: the first fault,
// with its line, is the error, and nothing of the file counts.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/nexthop.h"

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::engine {

class Overrides {
  public:
    Overrides() = default;

    // A file that is not there means no overrides. Errors: "FILE:LINE: what is wrong".
    [[nodiscard]] static std::expected<Overrides, std::string> load(const std::string& path);
    [[nodiscard]] static std::expected<Overrides, std::string> parse(std::string_view text,
                                                                     const std::string& file);

    [[nodiscard]] std::optional<std::string> find(const Nexthop& nexthop) const;
    // Canonical keys and ".parent"s that one has and the other has not, or with another policy.
    [[nodiscard]] std::vector<std::string> differences(const Overrides& other) const;
    [[nodiscard]] std::size_t size() const { return policies_.size(); }

  private:
    std::optional<std::string> add(std::string_view key, std::string_view policy);
    std::map<std::string, std::string, std::less<>> policies_; // by canonical key or ".parent"
};

} // namespace postseal::engine
