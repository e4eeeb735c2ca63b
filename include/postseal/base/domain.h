// base/domain.h: a domain that can receive mail, as the lower-case A-label host name it is in DNS
//
// parse() folds case, turns U-labels into A-labels (IDNA 2008 with UTS 46 mapping, libidn2) and
// strips one trailing dot. What is then no name that Postfix would look up (valid_hostname(3), RFC
// 1123 section 2.1 and underscores: labels of 1 to 63, 253 octets in all, no hyphen at an end of
// one), or is an IPv4 address, is an error; the caller then has no policy to offer. A Domain never
// holds a leading or trailing dot.
// from_dns() takes a name from DNS, such as an MX host: it is what it is, whatever IDNA would say
// of its A-labels, and its last label may be a number.
// Two liberties with IDNA 2008, both for names that exist in DNS and that Postfix delivers to:
// hyphens in the third and fourth place of a plain label (r3---sn-x.example), and A-labels that
// decode to characters which IDNA 2008 or this libidn2 does not know (emoji, newer scripts).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace postseal {

enum class DomainFault {
    empty,
    too_long,  // over 253 octets; or over 1024 before mapping
    bad_label, // no host name
    bad_idna,  // no UTF-8, no Punycode, or against IDNA 2008
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

} // namespace postseal

template <> struct std::hash<postseal::Domain> {
    std::size_t operator()(const postseal::Domain& domain) const noexcept {
        return std::hash<std::string>()(domain.name());
    }
};
