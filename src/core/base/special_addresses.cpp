// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/special_addresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace postseal {
namespace {

struct Range {
    IpOctets prefix;
    unsigned bits;
    std::string_view kind; // empty: global, though inside a wider range that is not
};

constexpr IpOctets v4(std::uint8_t a, std::uint8_t b = 0, std::uint8_t c = 0, std::uint8_t d = 0) {
    return {a, b, c, d};
}

// The leading 16-bit groups of an IPv6 prefix.
template <class... G> constexpr IpOctets v6(G... groups) {
    IpOctets out{};
    std::size_t at = 0;
    ((out[at] = static_cast<std::uint8_t>(groups >> 8),
      out[at + 1] = static_cast<std::uint8_t>(groups & 0xff), at += 2),
     ...);
    return out;
}

constexpr bool within(const IpOctets& address, const IpOctets& prefix, unsigned bits) {
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
    IpOctets prefix;
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

std::optional<std::string_view> look_up(const IpOctets& address, std::span<const Range> ranges) {
    for (const Range& range : ranges) {
        if (!within(address, range.prefix, range.bits)) continue;
        if (range.kind.empty()) return std::nullopt;
        return range.kind;
    }
    return std::nullopt;
}

// The IPv6 addresses that carry one of an IPv4 range; all that carry any, where what stands before
// may be anything.
IpPrefix carrying(const Carrier& carrier, const Range& range) {
    if (carrier.bits != carrier.at * 8)
        return {.is_v6 = true, .octets = carrier.prefix, .bits = carrier.bits};
    IpPrefix prefix{.is_v6 = true,
                    .octets = carrier.prefix,
                    .bits = static_cast<unsigned>(carrier.at) * 8 + range.bits};
    for (std::size_t i = 0; i < 4; i++)
        prefix.octets[carrier.at + i] = range.prefix[i] ^ carrier.flip;
    return prefix;
}

std::array<IpPrefix, 2> halves(const IpPrefix& whole) {
    std::array<IpPrefix, 2> out{whole, whole};
    for (IpPrefix& half : out)
        half.bits++;
    out[1].octets[whole.bits / 8] |= static_cast<std::uint8_t>(0x80U >> whole.bits % 8);
    return out;
}

void add_without(std::vector<IpPrefix>& out, const IpPrefix& prefix,
                 std::span<const IpPrefix> exceptions) {
    if (std::ranges::any_of(exceptions, [&](const auto& e) { return e.contains(prefix); })) return;
    if (std::ranges::none_of(exceptions, [&](const auto& e) { return prefix.contains(e); })) {
        out.push_back(prefix);
        return;
    }
    for (const IpPrefix& half : halves(prefix))
        add_without(out, half, exceptions);
}

} // namespace

bool IpPrefix::contains(const IpPrefix& other) const {
    return is_v6 == other.is_v6 && bits <= other.bits && within(other.octets, octets, bits);
}

std::string IpPrefix::to_string() const {
    if (!is_v6)
        return fmt::format("{}.{}.{}.{}/{}", octets[0], octets[1], octets[2], octets[3], bits);
    std::string out;
    for (std::size_t i = 0; i < octets.size(); i += 2)
        fmt::format_to(std::back_inserter(out), "{}{:x}", i == 0 ? "" : ":",
                       octets[i] << 8U | octets[i + 1]);
    return fmt::format("{}/{}", out, bits);
}

std::optional<std::string_view> why_not_global(bool is_v6, const IpOctets& address) {
    if (!is_v6) return look_up(address, v4_ranges);
    bool carries = false;
    for (const Carrier& carrier : carriers) {
        if (!within(address, carrier.prefix, carrier.bits)) continue;
        carries = true;
        IpOctets inner{};
        for (std::size_t i = 0; i < 4; i++)
            inner[i] = address[carrier.at + i] ^ carrier.flip;
        if (const auto kind = look_up(inner, v4_ranges)) return kind;
    }
    if (carries) return std::nullopt;
    return look_up(address, v6_ranges);
}

std::vector<IpPrefix> special_prefixes() {
    std::vector<IpPrefix> special;
    std::vector<IpPrefix> judged_otherwise;
    const auto add = [&](const IpPrefix& prefix) {
        if (std::ranges::any_of(special, [&](const auto& one) { return one.contains(prefix); }))
            return;
        std::erase_if(special, [&](const auto& one) { return prefix.contains(one); });
        special.push_back(prefix);
    };
    for (const Range& range : v4_ranges)
        add({.is_v6 = false, .octets = range.prefix, .bits = range.bits});
    std::ranges::transform(carriers, std::back_inserter(judged_otherwise), [](const Carrier& one) {
        return IpPrefix{.is_v6 = true, .octets = one.prefix, .bits = one.bits};
    });
    for (const Range& range : v6_ranges) {
        const IpPrefix whole{.is_v6 = true, .octets = range.prefix, .bits = range.bits};
        if (range.kind.empty()) {
            judged_otherwise.push_back(whole);
            continue;
        }
        for (const IpPrefix& part : without({whole}, judged_otherwise))
            add(part);
    }
    for (const Carrier& carrier : carriers)
        for (const Range& range : v4_ranges)
            add(carrying(carrier, range));
    return special;
}

std::vector<IpPrefix> without(const std::vector<IpPrefix>& prefixes,
                              std::span<const IpPrefix> exceptions) {
    std::vector<IpPrefix> out;
    for (const IpPrefix& prefix : prefixes)
        add_without(out, prefix, exceptions);
    return out;
}

} // namespace postseal
