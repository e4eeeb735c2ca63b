// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/domain.h"

#include "postseal/base/text.h"

// The C functions only.
#define U_SHOW_CPLUSPLUS_API 0
#include <unicode/uidna.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

namespace postseal {
namespace {

constexpr std::size_t max_name = 253;
constexpr std::size_t max_label = 63;
// U-labels are longer than their A-labels, and UTS 46 drops some characters altogether; this much
// text is all that ICU is asked to look at, and as much as Postfix takes from it.
constexpr std::size_t max_text = 1024;

std::unexpected<DomainError> fail(DomainFault fault, std::string_view what, std::string_view why) {
    return std::unexpected(DomainError{.fault = fault, .text = complaint(what, why)});
}

bool is_ldh(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

struct CloseIdna {
    void operator()(UIDNA* idna) const { uidna_close(idna); }
};

std::string_view name_of(std::uint32_t errors) {
    struct Named {
        std::uint32_t error;
        std::string_view name;
    };
    constexpr Named named[] = {
        {UIDNA_ERROR_EMPTY_LABEL, "an empty label"},
        {UIDNA_ERROR_LABEL_TOO_LONG, "a label over 63 octets"},
        {UIDNA_ERROR_DOMAIN_NAME_TOO_LONG, "a name over 253 octets"},
        {UIDNA_ERROR_LEADING_HYPHEN, "a hyphen at an end"},
        {UIDNA_ERROR_TRAILING_HYPHEN, "a hyphen at an end"},
        {UIDNA_ERROR_HYPHEN_3_4, "hyphens in the third and fourth place"},
        {UIDNA_ERROR_LEADING_COMBINING_MARK, "a combining mark first"},
        {UIDNA_ERROR_DISALLOWED, "a character that IDNA does not allow"},
        {UIDNA_ERROR_PUNYCODE, "bad Punycode"},
        {UIDNA_ERROR_LABEL_HAS_DOT, "a dot inside a label"},
        {UIDNA_ERROR_INVALID_ACE_LABEL, "not a valid A-label"},
    };
    for (const Named& one : named)
        if ((errors & one.error) != 0) return one.name;
    return "not a valid name";
}

DomainFault fault_of(std::uint32_t errors) {
    if ((errors & UIDNA_ERROR_DOMAIN_NAME_TOO_LONG) != 0) return DomainFault::too_long;
    constexpr std::uint32_t form = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG;
    return (errors & form) != 0 ? DomainFault::bad_label : DomainFault::bad_idna;
}

// With the calls and the options of Postfix's midna_domain(3): the whole name at once, and no more
// checks than those, so that what Postfix delivers to is the name that we look up.
std::expected<std::string, DomainError> to_a_labels(const std::string& text) {
    if (!valid_utf8(text)) return fail(DomainFault::bad_idna, text, "not UTF-8");
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<UIDNA, CloseIdna> idna(
        uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII, &error));
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    std::array<char, max_text> out{};
    const std::int32_t size =
        uidna_nameToASCII_UTF8(idna.get(), text.data(), static_cast<std::int32_t>(text.size()),
                               out.data(), static_cast<std::int32_t>(out.size()), &info, &error);
    if (error == U_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
    if (error == U_BUFFER_OVERFLOW_ERROR)
        return fail(DomainFault::too_long, text, "a name over 253 octets");
    if (U_FAILURE(error)) return fail(DomainFault::bad_idna, text, u_errorName(error));
    if (info.errors != 0) return fail(fault_of(info.errors), text, name_of(info.errors));
    return std::string(out.data(), static_cast<std::size_t>(size));
}

std::optional<DomainError> check_label(std::string_view label) {
    const auto bad = [&](std::string_view why) {
        return fail(DomainFault::bad_label, label, why).error();
    };
    if (label.empty()) return bad("an empty label");
    if (label.size() > max_label) return bad("a label over 63 octets");
    if (!std::ranges::all_of(label, [](char c) { return is_ldh(c) || c == '_'; }))
        return bad("not a letter, digit, hyphen or underscore");
    if (label.front() == '-' || label.back() == '-') return bad("a hyphen at an end");
    return std::nullopt;
}

std::string_view last_label(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// Hyphens in the third and fourth place are let through: RFC 5891 reserves such labels, but hosts
// have them.
std::optional<DomainError> check_name(std::string_view name) {
    if (name.empty()) return DomainError{.fault = DomainFault::empty, .text = "an empty name"};
    if (name.size() > max_name)
        return fail(DomainFault::too_long, name, "a name over 253 octets").error();
    std::string_view label;
    for (std::size_t begin = 0; begin <= name.size(); begin += label.size() + 1) {
        label = name.substr(begin, name.find('.', begin) - begin);
        if (auto fault = check_label(label)) return fault;
    }
    return std::nullopt;
}

} // namespace

std::expected<Domain, DomainError> Domain::parse(std::string_view text) {
    if (text.size() > max_text) return fail(DomainFault::too_long, text, "a name over 253 octets");
    std::string name = lower_ascii(text);
    if (!std::ranges::all_of(name, is_ascii)) {
        auto converted = to_a_labels(name);
        if (!converted) return std::unexpected(std::move(converted.error()));
        name = *std::move(converted);
    }
    if (name.ends_with('.')) name.pop_back();
    if (auto fault = check_name(name)) return std::unexpected(*std::move(fault));
    // No top-level domain is a number (RFC 3696 section 2).
    if (std::ranges::all_of(last_label(name), is_digit))
        return fail(DomainFault::address, name, "an address, or like one");
    return Domain(std::move(name));
}

std::expected<Domain, DomainError> Domain::from_dns(std::string_view name) {
    std::string folded = lower_ascii(name);
    if (auto fault = check_name(folded)) return std::unexpected(*std::move(fault));
    return Domain(std::move(folded));
}

std::string Domain::with_prefix(std::string_view label) const {
    std::string out;
    out.reserve(label.size() + 1 + name_.size());
    return out.append(label).append(1, '.').append(name_);
}

bool is_at_or_below(std::string_view name, std::string_view zone) {
    if (zone.empty() || name == zone) return true;
    return name.size() > zone.size() && name.ends_with(zone) &&
           name[name.size() - zone.size() - 1] == '.';
}

} // namespace postseal
