// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/certificate_der.h"

#include "der.h"

namespace postseal::dane {
namespace {

using der::Tag;

std::optional<der::Element> to_be_signed(std::string_view certificate) {
    auto contents = der::take(certificate, Tag::sequence);
    if (!contents || !certificate.empty()) return {};
    return der::take_element(*contents, Tag::sequence);
}

} // namespace

std::optional<std::string_view> signed_part_of(std::string_view certificate) {
    const auto part = to_be_signed(certificate);
    if (!part) return {};
    return part->whole;
}

std::optional<std::string_view> public_key_of(std::string_view certificate) {
    const auto part = to_be_signed(certificate);
    if (!part) return {};
    std::string_view rest = part->contents;
    // version: a certificate of version 1 has none
    static_cast<void>(der::take(rest, Tag::context_0));
    if (!der::take(rest, Tag::integer)) return {}; // serialNumber
    // signature, issuer, validity, subject
    for (int i = 0; i < 4; i++)
        if (!der::take(rest, Tag::sequence)) return {};
    const auto key = der::take_element(rest, Tag::sequence);
    if (!key) return {};
    return key->whole;
}

} // namespace postseal::dane
