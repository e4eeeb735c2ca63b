// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/mx_match.h"

#include "postseal/base/text.h"

#include <algorithm>
#include <utility>

namespace postseal::mtasts {
namespace {

std::unexpected<DomainError> fail(DomainFault fault, std::string_view name, std::string_view why) {
    return std::unexpected(DomainError{.fault = fault, .text = complaint(name, why)});
}

} // namespace

std::expected<MxPattern, DomainError> MxPattern::parse(std::string_view text) {
    const bool wildcard = text.starts_with("*.");
    const auto name = wildcard ? text.substr(2) : text;
    // RFC 8461 section 3.2 wants the Domain of RFC 5321 section 4.1.2 in A-labels: what
    // Domain::parse would first have to convert or to strip is none.
    if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) > 0x7f; }))
        return fail(DomainFault::bad_idna, name, "not written in A-labels");
    if (name.ends_with('.')) return fail(DomainFault::bad_label, name, "a dot at the end");
    if (name.find('_') != std::string_view::npos)
        return fail(DomainFault::bad_label, name, "not a letter, digit or hyphen");
    auto domain = Domain::parse(name);
    if (!domain) return std::unexpected(std::move(domain).error());
    return MxPattern{.wildcard = wildcard, .domain = *std::move(domain)};
}

bool MxPattern::matches(const Domain& host) const {
    const std::string_view name = host.name();
    if (!wildcard) return name == domain.name();
    const auto dot = name.find('.');
    return dot != std::string_view::npos && name.substr(dot + 1) == domain.name();
}

std::string MxPattern::text() const { return wildcard ? "*." + domain.name() : domain.name(); }

} // namespace postseal::mtasts
