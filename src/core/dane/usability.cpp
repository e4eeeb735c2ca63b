// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/usability.h"

#include "der.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postseal::dane {
namespace {

using der::Tag;
using der::take;

constexpr std::array<std::size_t, 3> digest_sizes{0, 32, 64}; // by matching type

// A BIT STRING opens with the count of unused bits in its last octet.
bool take_bit_string(std::string_view& der) {
    const auto contents = take(der, Tag::bit_string);
    return contents && contents->size() > 1 && static_cast<unsigned char>(contents->front()) < 8;
}

// AlgorithmIdentifier (RFC 5280 section 4.1.1.2): an object identifier, then parameters if any.
bool take_algorithm(std::string_view& der) {
    auto contents = take(der, Tag::sequence);
    if (!contents) return false;
    const auto identifier = take(*contents, Tag::object_identifier);
    return identifier && !identifier->empty();
}

// Certificate (RFC 5280 section 4.1): tbsCertificate, signatureAlgorithm, signatureValue.
bool is_certificate(std::string_view der) {
    auto contents = take(der, Tag::sequence);
    if (!contents || !der.empty()) return false;
    const auto to_be_signed = take(*contents, Tag::sequence);
    return to_be_signed && !to_be_signed->empty() && take_algorithm(*contents) &&
           take_bit_string(*contents) && contents->empty();
}

// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): algorithm, subjectPublicKey.
bool is_public_key(std::string_view der) {
    auto contents = take(der, Tag::sequence);
    return contents && der.empty() && take_algorithm(*contents) && take_bit_string(*contents) &&
           contents->empty();
}

} // namespace

std::expected<void, std::string> usable(const Tlsa& tlsa) {
    if (tlsa.usage < 2) // RFC 7672 section 3.1.3
        return std::unexpected(fmt::format("certificate usage {} is not for SMTP", tlsa.usage));
    if (tlsa.usage > 3)
        return std::unexpected(fmt::format("certificate usage {} is unknown", tlsa.usage));
    if (tlsa.selector > 1)
        return std::unexpected(fmt::format("selector {} is unknown", tlsa.selector));
    if (tlsa.matching_type > 2)
        return std::unexpected(fmt::format("matching type {} is unknown", tlsa.matching_type));
    if (tlsa.data.empty()) return std::unexpected("no association data");
    if (tlsa.matching_type != 0) {
        const auto size = digest_sizes.at(tlsa.matching_type);
        if (tlsa.data.size() == size) return {};
        return std::unexpected(fmt::format("matching type {} takes {} octets of data, not {}",
                                           tlsa.matching_type, size, tlsa.data.size()));
    }
    if (tlsa.selector == 0 && !is_certificate(tlsa.data))
        return std::unexpected("data is not a DER certificate");
    if (tlsa.selector == 1 && !is_public_key(tlsa.data))
        return std::unexpected("data is not a DER SubjectPublicKeyInfo");
    return {};
}

bool any_usable(std::span<const Tlsa> set) {
    return std::ranges::any_of(set, [](const Tlsa& tlsa) { return usable(tlsa).has_value(); });
}

} // namespace postseal::dane
