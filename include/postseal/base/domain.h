// base/domain.h: a domain that can receive mail, as the lower-case A-label host name it is in DNS
//
// parse() folds case, turns a name with U-labels into one of A-labels and strips one trailing dot.
// U-labels are converted by what Postfix converts them with, ICU, with the same options (UTS 46,
// nontransitional): what Postfix delivers to is the name that we look up, whatever else IDNA 2008
// says of emoji, joiners or direction. A name that is ASCII is not converted, A-labels or not. What
// is then no name that Postfix would look up (valid_hostname(3), RFC 1123 section 2.1 and
// underscores: labels of 1 to 63, 253 octets in all, no hyphen at an end of one), or is an IPv4
// address, is an error; the caller then has no policy to offer. A Domain never holds a leading or
// trailing dot.
// from_dns() takes a name from DNS, such as an MX host, whose last label may be a number.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace postseal {

enum class DomainFault {
    empty,
    too_long,  // over 253 octets; or over 1024 before mapping
    bad_label, // no host name
    bad_idna,  // not UTF-8, or no name by UTS 46
    address,   // an IPv4 address, or any name whose last label is a number
};

struct DomainError {
    DomainFault fault;
    std::string text; // one clause for an operator, printable

    friend bool operator==(const DomainError&, const DomainError&) = default;
};

class Domain {
  public:
    [[nodiscard]] static std::expected<Domain, DomainError> parse(std::string_view text);

    [[nodiscard]] static std::expected<Domain, DomainError> from_dns(std::string_view name);

    // For a Nexthop that is an address and has no domain; nothing is looked up by it.
    [[nodiscard]] static Domain in_place_of(std::string address) {
        return Domain(std::move(address));
    }

    [[nodiscard]] const std::string& name() const { return name_; }

    // "mta-sts" and "example.com" give "mta-sts.example.com": prefixes with a DNS label that may
    // be no host name ("_mta-sts"), so the result is a plain query name.
    [[nodiscard]] std::string with_prefix(std::string_view label) const;

    friend bool operator==(const Domain&, const Domain&) = default;
    friend auto operator<=>(const Domain&, const Domain&) = default;

  private:
    explicit Domain(std::string name) : name_(std::move(name)) {}
    std::string name_;
};

// Names in DNS, in lower case and without a dot at their end; the root is empty.
[[nodiscard]] bool is_at_or_below(std::string_view name, std::string_view zone);

} // namespace postseal

template <> struct std::hash<postseal::Domain> {
    std::size_t operator()(const postseal::Domain& domain) const noexcept {
        return std::hash<std::string>()(domain.name());
    }
};
