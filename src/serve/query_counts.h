// serve/query_counts.h: queries answered, by protocol and map, class of the verdict, and source
//
// Counting is a few comparisons and an addition: no allocation, but at the first query of a map.
// Maps are those of the configuration, so there are few. Each thread has its own; add them up.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "postseal/verdict/decide.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

// Where an answer came from. none: from nowhere, since the key is no destination or an override
// has the last word.
enum class Source { memory, lookup, none };
inline constexpr std::array sources{Source::memory, Source::lookup, Source::none};
[[nodiscard]] std::string_view to_string(Source source);

// Nothing: the key is no destination.
using CountedClass = std::optional<verdict::Class>;
inline constexpr std::array<CountedClass, 6> counted_classes{
    verdict::Class::dane,      verdict::Class::enforce,  verdict::Class::may,
    verdict::Class::override_, verdict::Class::tempfail, std::nullopt};
[[nodiscard]] std::string_view to_string(CountedClass cls); // "none": nothing

class QueryCounts {
  public:
    struct OfMap {
        config::Protocol protocol = config::Protocol::socketmap;
        std::string map; // empty: delegation
        std::array<std::array<std::uint64_t, sources.size()>, counted_classes.size()> counts{};

        [[nodiscard]] std::uint64_t count(CountedClass cls, Source source) const;
    };

    void count(config::Protocol protocol, std::string_view map, CountedClass cls, Source source);
    [[nodiscard]] const std::vector<OfMap>& maps() const { return maps_; }

    // Over all maps.
    [[nodiscard]] std::uint64_t of_class(CountedClass cls) const;
    [[nodiscard]] std::uint64_t of_source(Source source) const;

    QueryCounts& operator+=(const QueryCounts& other);

  private:
    OfMap& of(config::Protocol protocol, std::string_view map);

    std::vector<OfMap> maps_;
};

} // namespace postseal::serve
