// SPDX-License-Identifier: BSD-3-Clause
#include "serve/query_counts.h"

#include <algorithm>

namespace postseal::serve {
namespace {

std::size_t place_of(CountedClass cls) {
    return cls ? static_cast<std::size_t>(*cls) : counted_classes.size() - 1;
}

std::size_t place_of(Source source) { return static_cast<std::size_t>(source); }

} // namespace

std::string_view to_string(Source source) {
    switch (source) {
    case Source::memory:
        return "memory";
    case Source::lookup:
        return "lookup";
    case Source::none:
        return "none";
    }
    return "";
}

std::string_view to_string(CountedClass cls) { return cls ? verdict::to_string(*cls) : "none"; }

std::uint64_t QueryCounts::OfMap::count(CountedClass cls, Source source) const {
    return counts.at(place_of(cls)).at(place_of(source));
}

QueryCounts::OfMap& QueryCounts::of(config::Protocol protocol, std::string_view map) {
    const auto found = std::ranges::find_if(
        maps_, [&](const OfMap& of) { return of.protocol == protocol && of.map == map; });
    if (found != maps_.end()) return *found;
    return maps_.emplace_back(OfMap{.protocol = protocol, .map = std::string(map)});
}

void QueryCounts::count(config::Protocol protocol, std::string_view map, CountedClass cls,
                        Source source) {
    of(protocol, map).counts.at(place_of(cls)).at(place_of(source))++;
}

std::uint64_t QueryCounts::of_class(CountedClass cls) const {
    std::uint64_t sum = 0;
    for (const OfMap& of : maps_)
        for (const Source source : sources)
            sum += of.count(cls, source);
    return sum;
}

std::uint64_t QueryCounts::of_source(Source source) const {
    std::uint64_t sum = 0;
    for (const OfMap& of : maps_)
        for (const CountedClass cls : counted_classes)
            sum += of.count(cls, source);
    return sum;
}

QueryCounts& QueryCounts::operator+=(const QueryCounts& other) {
    for (const OfMap& theirs : other.maps_) {
        OfMap& ours = of(theirs.protocol, theirs.map);
        for (std::size_t i = 0; i < ours.counts.size(); i++)
            for (std::size_t j = 0; j < sources.size(); j++)
                ours.counts.at(i).at(j) += theirs.counts.at(i).at(j);
    }
    return *this;
}

} // namespace postseal::serve
