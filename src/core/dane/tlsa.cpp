// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/tlsa.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

namespace postseal::dane {
namespace {

constexpr std::size_t header_size = 3;
constexpr std::size_t max_shown = 40;

} // namespace

std::expected<Tlsa, std::string> parse_tlsa(std::string_view rdata) {
    if (rdata.size() < header_size)
        return std::unexpected(
            fmt::format("TLSA RDATA of {} octets ends in its header", rdata.size()));
    if (rdata.size() == header_size) return std::unexpected("TLSA RDATA has no association data");
    return Tlsa{.usage = static_cast<std::uint8_t>(rdata[0]),
                .selector = static_cast<std::uint8_t>(rdata[1]),
                .matching_type = static_cast<std::uint8_t>(rdata[2]),
                .data = std::string(rdata.substr(header_size))};
}

std::string to_string(const Tlsa& tlsa) {
    std::string text = fmt::format("{} {} {} ", tlsa.usage, tlsa.selector, tlsa.matching_type);
    for (const char c : std::string_view(tlsa.data).substr(0, max_shown))
        fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(c));
    if (tlsa.data.size() > max_shown) text += "...";
    return text;
}

} // namespace postseal::dane
