// SPDX-License-Identifier: BSD-3-Clause
#include "serve/query_counts.h"

#include "postseal/base/names.h"

#include <algorithm>

namespace postseal::serve {
namespace {

std::size_t place_of(CountedClass cls) {
    return cls ? static_cast<std::size_t>(*cls) : counted_classes.size() - 1;
}

std::size_t place_of(Source source) { return static_cast<std::size_t>(source); }

} // namespace

constexpr auto source_names = names_for<Source>(
    {{Source::memory, "memory"}, {Source::lookup, "lookup"}, {Source::none, "none"}});
std::string_view to_string(Source source) { return source_names[source]; }

std::string_view to_string(CountedClass cls) { return cls ? verdict::to_string(*cls) : "none"; }

std::uint64_t QueryTotals::OfMap::count(CountedClass cls, Source source) const {
    return counts.at(place_of(cls)).at(place_of(source));
}

QueryTotals::OfMap& QueryTotals::of(config::Protocol protocol, std::string_view map) {
    const auto found = std::ranges::find_if(
        maps_, [&](const OfMap& of) { return of.protocol == protocol && of.map == map; });
    if (found != maps_.end()) return *found;
    return maps_.emplace_back(OfMap{.protocol = protocol, .map = std::string(map)});
}

std::uint64_t QueryTotals::of_class(CountedClass cls) const {
    std::uint64_t sum = 0;
    for (const OfMap& of : maps_)
        for (const Source source : sources)
            sum += of.count(cls, source);
    return sum;
}

std::uint64_t QueryTotals::of_source(Source source) const {
    std::uint64_t sum = 0;
    for (const OfMap& of : maps_)
        for (const CountedClass cls : counted_classes)
            sum += of.count(cls, source);
    return sum;
}

QueryCounts::OfMap& QueryCounts::of(config::Protocol protocol, std::string_view map) {
    const std::size_t used = used_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < used; i++)
        if (OfMap& of = *maps_[i]; of.protocol == protocol && of.map == map) return of;
    if (used == max_maps) return *maps_.back();
    maps_[used] = std::make_unique<OfMap>(protocol, std::string(map));
    used_.store(used + 1, std::memory_order_release);
    return *maps_[used];
}

void QueryCounts::count(config::Protocol protocol, std::string_view map, CountedClass cls,
                        Source source) {
    of(protocol, map).counts[place_of(cls)][place_of(source)]++;
}

void QueryCounts::add_to(QueryTotals& sum) const {
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t n = 0; n < used; n++) {
        const OfMap& ours = *maps_[n];
        QueryTotals::OfMap& theirs = sum.of(ours.protocol, ours.map);
        for (std::size_t i = 0; i < ours.counts.size(); i++)
            for (std::size_t j = 0; j < sources.size(); j++)
                theirs.counts[i][j] += ours.counts[i][j];
    }
}

} // namespace postseal::serve
