// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/match.h"

#include "postseal/base/names.h"
#include "postseal/dane/usability.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::dane {
namespace {

constexpr std::uint8_t trust_anchor = 2;

bool same_kind(const Tlsa& a, const Tlsa& b) {
    return a.usage == b.usage && a.selector == b.selector;
}

bool has_stronger(std::span<const Tlsa> records, const Tlsa& record) {
    return record.matching_type != 0 && std::ranges::any_of(records, [&](const Tlsa& other) {
               return same_kind(record, other) && other.matching_type > record.matching_type &&
                      usable(other);
           });
}

RecordMatch compare(const Tlsa& record, std::span<const Associations> chain) {
    using enum RecordMatch::Result;
    const bool anchor = record.usage == trust_anchor;
    const std::size_t begin = anchor ? 1 : 0;
    const std::size_t end = anchor ? chain.size() : std::min<std::size_t>(chain.size(), 1);
    for (std::size_t depth = begin; depth < end; depth++)
        if (chain[depth].data.at(record.selector).at(record.matching_type) == record.data)
            return {.result = matched, .depth = depth, .reason = {}};
    const bool holds_anchor = anchor && record.matching_type == 0;
    return {.result = holds_anchor ? not_in_chain : no_match, .depth = 0, .reason = {}};
}

} // namespace

constexpr auto record_match_result_names = names_for<RecordMatch::Result>({
    {RecordMatch::Result::matched, "matched"},
    {RecordMatch::Result::no_match, "no-match"},
    {RecordMatch::Result::not_in_chain, "not-in-chain"},
    {RecordMatch::Result::passed_over, "passed-over"},
    {RecordMatch::Result::unusable, "unusable"},
});
std::string_view to_string(RecordMatch::Result result) { return record_match_result_names[result]; }

std::vector<RecordMatch> match(std::span<const Tlsa> records, std::span<const Associations> chain) {
    std::vector<RecordMatch> out;
    for (const Tlsa& record : records) {
        if (const auto good = usable(record); !good)
            out.push_back(
                {.result = RecordMatch::Result::unusable, .depth = 0, .reason = good.error()});
        else if (has_stronger(records, record))
            out.push_back({.result = RecordMatch::Result::passed_over,
                           .depth = 0,
                           .reason = fmt::format("beside {} {} 2 its digest does not count",
                                                 record.usage, record.selector)});
        else
            out.push_back(compare(record, chain));
    }
    return out;
}

} // namespace postseal::dane
