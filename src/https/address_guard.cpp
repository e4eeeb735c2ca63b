// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_guard.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace postseal::https {
namespace {

using Octets = std::array<std::uint8_t, 16>;

struct Range {
    Octets prefix;
    unsigned bits;
    std::string_view kind; // empty: global, though inside a wider range that is not
};

constexpr Octets v4(std::uint8_t a, std::uint8_t b = 0, std::uint8_t c = 0, std::uint8_t d = 0) {
    return {a, b, c, d};
}

// The leading 16-bit groups of an IPv6 prefix.
template <class... G> constexpr Octets v6(G... groups) {
    Octets out{};
    std::size_t at = 0;
    ((out[at] = static_cast<std::uint8_t>(groups >> 8),
      out[at + 1] = static_cast<std::uint8_t>(groups & 0xff), at += 2),
     ...);
    return out;
}

constexpr bool within(const Octets& address, const Octets& prefix, unsigned bits) {
    const std::size_t whole = bits / 8;
    if (!std::equal(prefix.begin(), prefix.begin() + whole, address.begin())) return false;
    if (bits % 8 == 0) return true;
    const unsigned mask = 0xffU << (8 - bits % 8);
    return ((prefix[whole] ^ address[whole]) & mask) == 0;
}

// The first match counts.
constexpr std::array v4_ranges{
    Range{v4(0), 8, "this network (RFC 791)"},
    Range{v4(10), 8, "private (RFC 1918)"},
    Range{v4(100, 64), 10, "carrier-grade NAT (RFC 6598)"},
    Range{v4(127), 8, "loopback (RFC 1122)"},
    Range{v4(169, 254), 16, "link-local (RFC 3927)"},
    Range{v4(172, 16), 12, "private (RFC 1918)"},
    Range{v4(192, 0, 0), 24, "protocol assignment (RFC 6890)"},
    Range{v4(192, 0, 2), 24, "documentation (RFC 5737)"},
    Range{v4(192, 88, 99), 24, "6to4 relay anycast (RFC 7526)"},
    Range{v4(192, 168), 16, "private (RFC 1918)"},
    Range{v4(198, 18), 15, "benchmarking (RFC 2544)"},
    Range{v4(198, 51, 100), 24, "documentation (RFC 5737)"},
    Range{v4(203, 0, 113), 24, "documentation (RFC 5737)"},
    Range{v4(224), 4, "multicast (RFC 5771)"},
    Range{v4(255, 255, 255, 255), 32, "broadcast (RFC 919)"},
    Range{v4(240), 4, "reserved (RFC 1112)"},
};

constexpr std::array v6_ranges{
    Range{v6(0, 0, 0, 0, 0, 0, 0, 0), 128, "unspecified (RFC 4291)"},
    Range{v6(0, 0, 0, 0, 0, 0, 0, 1), 128, "loopback (RFC 4291)"},
    Range{v6(0, 0, 0, 0, 0, 0), 96, "IPv4-compatible (RFC 4291)"},
    Range{v6(0x64, 0xff9b, 1), 48, "local NAT64 (RFC 8215)"},
    Range{v6(0x100, 0, 0, 0), 64, "discard-only (RFC 6666)"},
    Range{v6(0x100, 0, 0, 1), 64, "dummy prefix (RFC 9780)"},
    Range{v6(0x2001, 2, 0), 48, "benchmarking (RFC 5180)"},
    Range{v6(0x2001, 3), 32, ""},        // AMT (RFC 7450)
    Range{v6(0x2001, 4, 0x112), 48, ""}, // AS112 (RFC 7535)
    Range{v6(0x2001, 0x10), 28, "ORCHID (RFC 4843)"},
    Range{v6(0x2001, 0x20), 28, "ORCHIDv2 (RFC 7343)"},
    Range{v6(0x2001, 0x30), 28, "drone remote ID (RFC 9374)"},
    Range{v6(0x2001, 0), 23, "protocol assignment (RFC 2928)"},
    Range{v6(0x2001, 0xdb8), 32, "documentation (RFC 3849)"},
    Range{v6(0x3fff), 20, "documentation (RFC 9637)"},
    Range{v6(0x2000), 3, ""}, // global unicast
    Range{v6(0x5f00), 16, "segment routing (RFC 9602)"},
    Range{v6(0xfc00), 7, "unique local (RFC 4193)"},
    Range{v6(0xfe80), 10, "link-local (RFC 4291)"},
    Range{v6(0xfec0), 10, "site-local (RFC 3879)"},
    Range{v6(0xff00), 8, "multicast (RFC 4291)"},
    Range{v6(0), 0, "not allocated (RFC 4291)"},
};

// IPv4 addresses that an IPv6 address carries. Teredo has two, the client's with its bits inverted.
struct Carrier {
    Octets prefix;
    unsigned bits;
    std::size_t at;
    std::uint8_t flip;
};
constexpr std::array carriers{
    Carrier{v6(0, 0, 0, 0, 0, 0xffff), 96, 12, 0},    // IPv4-mapped (RFC 4291)
    Carrier{v6(0x64, 0xff9b, 0, 0, 0, 0), 96, 12, 0}, // NAT64 (RFC 6052)
    Carrier{v6(0x2002), 16, 2, 0},                    // 6to4 (RFC 3056)
    Carrier{v6(0x2001, 0), 32, 4, 0},                 // Teredo server (RFC 4380)
    Carrier{v6(0x2001, 0), 32, 12, 0xff},             // Teredo client
};

std::optional<std::string_view> look_up(const Octets& address, std::span<const Range> ranges) {
    for (const Range& range : ranges) {
        if (!within(address, range.prefix, range.bits)) continue;
        if (range.kind.empty()) return std::nullopt;
        return range.kind;
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string_view> why_not_global(const tls::Address& address) {
    if (address.family == tls::Address::Family::v4) return look_up(address.octets, v4_ranges);
    bool carries = false;
    for (const Carrier& carrier : carriers) {
        if (!within(address.octets, carrier.prefix, carrier.bits)) continue;
        carries = true;
        Octets inner{};
        for (std::size_t i = 0; i < 4; i++)
            inner[i] = address.octets[carrier.at + i] ^ carrier.flip;
        if (const auto kind = look_up(inner, v4_ranges)) return kind;
    }
    if (carries) return std::nullopt;
    return look_up(address.octets, v6_ranges);
}

} // namespace postseal::https
