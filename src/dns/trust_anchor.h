// dns/trust_anchor.h: what a trust anchor file holds (DS and DNSKEY records as in a zone file)
//
// libunbound reads the file itself, at the first question and with little to say about a fault;
// this reader is for saying at set-up what is wrong, and for the warning about the root's keys.
// Errors: one sentence that names the file, and the line if there is one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

// The root's key-signing keys: the one of 2024 has signed the root since 2026-10-11, the one of
// 2017 before; it is revoked on 2027-01-11.
inline constexpr std::uint16_t root_key_2017 = 20326;
inline constexpr std::uint16_t root_key_2024 = 38696;

struct TrustAnchor {
    std::string owner; // lower case, without the trailing dot; empty: the root
    std::uint16_t key_tag = 0;

    friend bool operator==(const TrustAnchor&, const TrustAnchor&) = default;
};

// RFC 4034 appendix B, of DNSKEY RDATA.
[[nodiscard]] std::uint16_t key_tag(std::string_view rdata);

// The text of a file that is called `name` in errors. At least one DS or DNSKEY record.
[[nodiscard]] std::expected<std::vector<TrustAnchor>, std::string>
parse_trust_anchors(std::string_view text, std::string_view name);
[[nodiscard]] std::expected<std::vector<TrustAnchor>, std::string>
read_trust_anchors(const std::string& path);

// What an operator must know of the anchors in use, taken together; nothing: all is well.
[[nodiscard]] std::optional<std::string> root_anchor_warning(std::span<const TrustAnchor> anchors);

} // namespace postseal::dns
