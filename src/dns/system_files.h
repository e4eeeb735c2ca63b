// dns/system_files.h: the root's trust anchors and hints where systems keep them
//
// The word "system" in dns.trust_anchor means: the first file of trust_anchor_places() that can be
// read and has a DS or DNSKEY record of the root; if there is none, or if all its keys are older
// than those that this program was built with, the compiled-in ones. What unbound-anchor(8) and
// unbound(8) keep there (RFC 5011) counts as far as it is valid: keys that are pending or revoked
// do not. The word "system" in dns.root_hints means the first of root_hints_places() that is there,
// else the hints that are built into libunbound.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/trust_anchor.h"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

inline constexpr std::string_view system_word = "system";

// Paths, in the order of the search: Debian, Alpine, Arch and Fedora, SUSE and Fedora, Void,
// FreeBSD, then what a resolver of the machine maintains (Nix, Fedora, FreeBSD, OpenBSD).
[[nodiscard]] std::span<const std::string_view> trust_anchor_places();
[[nodiscard]] std::span<const std::string_view> root_hints_places();

// Records of the root, in the form that a trust anchor file has.
[[nodiscard]] std::string_view compiled_in_anchors();

struct AnchorSet {
    std::vector<TrustAnchor> keys;
    std::vector<std::string> files;   // to be read as they are
    std::vector<std::string> records; // from "system", one a line of a zone file
    std::string origin;               // of `records`: a path, or "compiled in"
    std::string outdated;             // why the file in `places` was passed over; empty: it was not
};

// `configured`: files, and the word "system". Error: a file named there cannot be read, in one
// sentence.
[[nodiscard]] std::expected<AnchorSet, std::string>
load_trust_anchors(std::span<const std::string> configured,
                   std::span<const std::string_view> places = trust_anchor_places());

// The path behind `configured`; empty: the hints that are built into libunbound.
[[nodiscard]] std::string
root_hints_file(const std::string& configured,
                std::span<const std::string_view> places = root_hints_places());

} // namespace postseal::dns
