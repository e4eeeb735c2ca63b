// dns/mx_rdata.h: MX RDATA (RFC 1035 section 3.3.9) and the set of hosts that an MX RRset names
//
// What becomes of each exchange follows what smtp(8) does with it (dns_lookup.c):
//   a name     a host, one with an underscore too; of the same name twice, the lower preference
//              counts
//   "."        the null MX (RFC 7505) if it stands alone, else left out
//   an address used by Postfix, and nothing that DANE or MTA-STS could speak of: counted
//   a wildcard used by Postfix as if it were a name, and not looked up here: counted
//   all else   malformed (valid_hostname(3)): Postfix refuses it, left out
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/domain.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

struct MxRecord {
    std::uint16_t preference = 0;
    // Without a trailing dot, lower case; empty: the root. Octets other than letters, digits,
    // hyphens and underscores are written \DDD (RFC 1035 section 5.1).
    std::string exchange;

    friend bool operator==(const MxRecord&, const MxRecord&) = default;
};

// Errors: why the octets are no MX RDATA; compression pointers are not accepted.
[[nodiscard]] std::expected<MxRecord, std::string> parse_mx(std::string_view rdata);

struct Exchange {
    std::uint16_t preference = 0;
    Domain host;

    friend bool operator==(const Exchange&, const Exchange&) = default;
};

struct Exchanges {
    std::vector<Exchange> hosts; // by preference, then by name; no name twice
    std::size_t addresses = 0;
    std::size_t wildcards = 0;
    bool null_mx = false; // nothing but "."

    friend bool operator==(const Exchanges&, const Exchanges&) = default;
};

[[nodiscard]] Exchanges exchanges(std::span<const std::string> rdata);

} // namespace postseal::dns
