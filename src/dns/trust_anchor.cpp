// SPDX-License-Identifier: BSD-3-Clause
#include "dns/trust_anchor.h"

#include "dns/zone_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace postseal::dns {
namespace {

// RFC 4648 section 4; padding at the end may be left out.
std::optional<std::string> base64(std::string_view text) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (text.ends_with('='))
        text.remove_suffix(1);
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        const auto value = digits.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6U | static_cast<unsigned>(value)) & 0xffffU;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
    }
    return out;
}

template <class T> std::optional<T> number(std::string_view text) {
    T value{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint16_t> tag_of_dnskey(const std::vector<std::string>& fields) {
    if (fields.size() < 4) return std::nullopt;
    const auto flags = number<std::uint16_t>(fields[0]);
    const auto protocol = number<std::uint8_t>(fields[1]);
    const auto algorithm = number<std::uint8_t>(fields[2]);
    std::string text;
    for (std::size_t i = 3; i < fields.size(); i++)
        text += fields[i];
    const auto key = base64(text);
    if (!flags || !protocol || !algorithm || !key || key->empty()) return std::nullopt;
    std::string rdata{static_cast<char>(*flags >> 8U), static_cast<char>(*flags & 0xffU),
                      static_cast<char>(*protocol), static_cast<char>(*algorithm)};
    return key_tag(rdata + *key);
}

std::optional<std::uint16_t> tag_of_ds(const std::vector<std::string>& fields) {
    if (fields.size() < 4) return std::nullopt;
    return number<std::uint16_t>(fields[0]);
}

} // namespace

std::uint16_t key_tag(std::string_view rdata) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < rdata.size(); i++) {
        const auto octet = static_cast<std::uint32_t>(static_cast<unsigned char>(rdata[i]));
        sum += i % 2 == 0 ? octet << 8U : octet;
    }
    sum += sum >> 16U & 0xffffU;
    return static_cast<std::uint16_t>(sum & 0xffffU);
}

std::expected<std::vector<TrustAnchor>, std::string> parse_trust_anchors(std::string_view text,
                                                                         std::string_view name) {
    std::vector<TrustAnchor> out;
    for (ZoneRecord& record : zone_records(text)) {
        const bool ds = record.type == "DS";
        if (!ds && record.type != "DNSKEY") continue;
        const auto tag = ds ? tag_of_ds(record.fields) : tag_of_dnskey(record.fields);
        if (!tag)
            return std::unexpected(fmt::format("trust anchor {}, line {}: malformed {} record",
                                               name, record.line, record.type));
        out.push_back({std::move(record.owner), *tag});
    }
    if (out.empty())
        return std::unexpected(fmt::format("trust anchor {} holds no DS or DNSKEY record", name));
    return out;
}

std::expected<std::vector<TrustAnchor>, std::string> read_trust_anchors(const std::string& path) {
    const auto text = read_zone_file(path);
    if (!text)
        return std::unexpected(fmt::format("cannot read the trust anchor {}: {}; install the "
                                           "package dns-root-data, or name a file with the root's "
                                           "DS or DNSKEY records",
                                           path, text.error()));
    return parse_trust_anchors(*text, path);
}

std::optional<std::string> root_anchor_warning(std::span<const TrustAnchor> anchors) {
    if (anchors.empty())
        return "no trust anchor is configured: no domain counts as signed, so DANE is never used";
    const auto has = [&](std::uint16_t key) {
        return std::ranges::any_of(
            anchors, [key](const TrustAnchor& a) { return a.owner.empty() && a.key_tag == key; });
    };
    // A root of one's own has other keys.
    if (!has(root_key_2017) || has(root_key_2024)) return std::nullopt;
    return fmt::format(
        "the trust anchor for the root has key {} but lacks key {}, which has signed "
        "the root since 2026-10-11: nothing can be validated by it; update the "
        "package dns-root-data, or set dns.trust_anchor to [\"system\"]",
        root_key_2017, root_key_2024);
}

} // namespace postseal::dns
