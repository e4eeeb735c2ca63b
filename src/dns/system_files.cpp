// SPDX-License-Identifier: BSD-3-Clause
#include "dns/system_files.h"

#include "dns/zone_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace postseal::dns {
namespace {

constexpr std::array<std::string_view, 9> anchor_places{
    "/usr/share/dns/root.key",                // Debian: dns-root-data
    "/usr/share/dnssec-root/trusted-key.key", // Alpine: dnssec-root
    "/etc/trusted-key.key",                   // Arch: dnssec-anchors; Fedora
    "/etc/unbound/root.key",                  // SUSE, Fedora: unbound-anchor
    "/etc/dns/root.key",                      // Void: dnssec-anchors
    "/usr/local/etc/unbound/root.key",        // FreeBSD: unbound
    "/var/lib/unbound/root.key",              // Nix, Fedora, SUSE
    "/var/unbound/root.key",                  // FreeBSD: local_unbound
    "/var/unbound/db/root.key",               // OpenBSD
};

constexpr std::array<std::string_view, 3> hints_places{
    "/usr/share/dns/root.hints",            // Debian: dns-root-data
    "/usr/share/dns-root-hints/named.root", // Alpine: dns-root-hints
    "/etc/unbound/root.hints",
};

// https://data.iana.org/root-anchors/root-anchors.xml. The second has signed the root since
// 2026-10-11; the first is revoked on 2027-01-11.
constexpr std::string_view compiled_in =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

// Keys of the root that were in use before the newest that is compiled in.
bool is_older(const TrustAnchor& anchor) {
    constexpr std::uint16_t root_key_2010 = 19036;
    return anchor.key_tag == root_key_2010 || anchor.key_tag == root_key_2017;
}

// Without the lines of keys that RFC 5011 section 4.3 does not call valid or missing; libunbound
// writes the state of each as ";;state=2 [  VALID  ]".
std::string valid_lines(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        constexpr std::string_view mark = ";;state=";
        const auto state = line.find(mark);
        const std::string_view value =
            state == std::string_view::npos ? "2" : line.substr(state + mark.size(), 1);
        if (value != "2" && value != "3") continue;
        out += line;
        out += '\n';
    }
    return out;
}

// The root's; of another owner there is nothing to search for.
void add_records(AnchorSet& set, std::string_view text) {
    for (const ZoneRecord& record : zone_records(text)) {
        if (!record.owner.empty() || (record.type != "DS" && record.type != "DNSKEY")) continue;
        set.records.push_back(
            fmt::format(". IN {} {}", record.type, fmt::join(record.fields, " ")));
    }
    if (auto keys = parse_trust_anchors(text, ""))
        std::ranges::move(*keys, std::back_inserter(set.keys));
}

std::optional<std::string> usable_text(std::string_view place) {
    const auto text = read_zone_file(std::string(place));
    if (!text) return std::nullopt;
    std::string valid = valid_lines(*text);
    const auto anchors = parse_trust_anchors(valid, place);
    const auto of_root = [](const TrustAnchor& anchor) { return anchor.owner.empty(); };
    if (!anchors || !std::ranges::all_of(*anchors, of_root)) return std::nullopt;
    return valid;
}

void add_compiled_in(AnchorSet& set) {
    set.origin = "compiled in";
    add_records(set, compiled_in);
}

void add_system_anchors(AnchorSet& set, std::span<const std::string_view> places) {
    for (const std::string_view place : places) {
        const auto text = usable_text(place);
        if (!text) continue;
        AnchorSet found;
        add_records(found, *text);
        if (std::ranges::all_of(found.keys, is_older)) {
            set.outdated = fmt::format(
                "{} has no key of the root newer than {}, which does not sign it any more: the "
                "compiled-in key {} is used; update the package that the file is from",
                place, found.keys.front().key_tag, root_key_2024);
            break;
        }
        set.origin = place;
        std::ranges::move(found.keys, std::back_inserter(set.keys));
        std::ranges::move(found.records, std::back_inserter(set.records));
        return;
    }
    add_compiled_in(set);
}

} // namespace

std::span<const std::string_view> trust_anchor_places() { return anchor_places; }
std::span<const std::string_view> root_hints_places() { return hints_places; }
std::string_view compiled_in_anchors() { return compiled_in; }

std::expected<AnchorSet, std::string> load_trust_anchors(std::span<const std::string> configured,
                                                         std::span<const std::string_view> places) {
    AnchorSet set;
    for (const std::string& path : configured) {
        if (path == system_word) {
            add_system_anchors(set, places);
            continue;
        }
        auto anchors = read_trust_anchors(path);
        if (!anchors) return std::unexpected(std::move(anchors.error()));
        std::ranges::move(*anchors, std::back_inserter(set.keys));
        set.files.push_back(path);
    }
    return set;
}

std::string root_hints_file(const std::string& configured,
                            std::span<const std::string_view> places) {
    if (configured != system_word) return configured;
    for (const std::string_view place : places)
        if (std::string path(place); ::access(path.c_str(), R_OK) == 0) return path;
    return {};
}

} // namespace postseal::dns
