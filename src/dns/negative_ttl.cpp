// SPDX-License-Identifier: BSD-3-Clause
#include "dns/negative_ttl.h"

#include "dns/message.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace postseal::dns {
namespace {

constexpr std::uint16_t type_soa = 6;
constexpr std::size_t min_soa = 22; // two root names and five numbers

} // namespace

seconds negative_ttl(std::string_view message) {
    MessageReader reader(message);
    const auto [answers, authorities] = reader.skip_to_answers();
    std::optional<seconds> soa;
    seconds least = seconds::max();
    for (std::uint32_t i = 0; i < answers + authorities && reader.good(); i++) {
        const MessageReader::Record record = reader.next_record();
        least = std::min(least, record.ttl);
        if (i < answers || record.type != type_soa || record.rdata.size() < min_soa) continue;
        MessageReader minimum(record.rdata.substr(record.rdata.size() - 4));
        soa = std::min(record.ttl, ttl_of(minimum.number(4)));
    }
    if (!reader.good() || !soa) return seconds(0);
    return std::min(least, *soa);
}

} // namespace postseal::dns
