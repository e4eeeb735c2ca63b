// dns/zone_text.h: the lines of a zone file (RFC 1035 section 5.1), as far as hints and trust
// anchors need it
//
// Comments, parentheses, an owner left out (the one before counts), TTL and class in either order.
// Directives ($TTL, $ORIGIN) are passed over: the files we read write their names in full.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

struct ZoneRecord {
    std::size_t line = 0; // where it begins
    std::string owner;    // lower case, without the trailing dot; empty: the root
    std::string type;     // upper case; empty: the line has none
    std::vector<std::string> fields;
};

[[nodiscard]] std::vector<ZoneRecord> zone_records(std::string_view text);

// Errors: the system's words for why not ("Permission denied").
[[nodiscard]] std::expected<std::string, std::string> read_zone_file(const std::string& path);

} // namespace postseal::dns
