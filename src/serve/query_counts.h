// serve/query_counts.h: queries answered, by protocol and map, class of the verdict, and source
//
// Each serving thread counts in QueryCounts of its own, which any thread may add to QueryTotals.
// Counting is a few comparisons and an addition: no allocation but at the first query of a map, and
// no lock. Maps are those of the configuration, so there are few; what comes past the 64th that the
// process has seen is counted with that one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "postseal/verdict/decide.h"
#include "serve/count.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

// Where an answer came from. none: from nowhere, since the key is not a destination or an override
// has the last word.
enum class Source { memory, lookup, none };
inline constexpr std::array sources{Source::memory, Source::lookup, Source::none};
[[nodiscard]] std::string_view to_string(Source source);

// Nothing: the key is not a destination.
using CountedClass = std::optional<verdict::Class>;
inline constexpr std::array<CountedClass, 6> counted_classes{
    verdict::Class::dane,      verdict::Class::enforce,  verdict::Class::may,
    verdict::Class::override_, verdict::Class::tempfail, std::nullopt};
[[nodiscard]] std::string_view to_string(CountedClass cls); // "none": nothing

template <class N>
using CountsByClass = std::array<std::array<N, sources.size()>, counted_classes.size()>;

class QueryTotals {
  public:
    struct OfMap {
        config::Protocol protocol = config::Protocol::socketmap;
        std::string map; // empty: delegation
        CountsByClass<std::uint64_t> counts{};

        [[nodiscard]] std::uint64_t count(CountedClass cls, Source source) const;
    };
    [[nodiscard]] const std::vector<OfMap>& maps() const { return maps_; }
    [[nodiscard]] OfMap& of(config::Protocol protocol, std::string_view map);

    // Over all maps.
    [[nodiscard]] std::uint64_t of_class(CountedClass cls) const;
    [[nodiscard]] std::uint64_t of_source(Source source) const;

  private:
    std::vector<OfMap> maps_;
};

class QueryCounts {
  public:
    void count(config::Protocol protocol, std::string_view map, CountedClass cls, Source source);
    // Thread: any.
    void add_to(QueryTotals& sum) const;

  private:
    struct OfMap {
        config::Protocol protocol;
        std::string map;
        CountsByClass<Count> counts;
    };
    [[nodiscard]] OfMap& of(config::Protocol protocol, std::string_view map);

    static constexpr std::size_t max_maps = 64;
    std::array<std::unique_ptr<OfMap>, max_maps> maps_; // those below used_ stay as they are
    std::atomic<std::size_t> used_{0};
};

} // namespace postseal::serve
