// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/domain.h"

#include "postseal/base/text.h"

#include <idn2.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

namespace postseal {
namespace {

constexpr std::size_t max_name = 253;
constexpr std::size_t max_label = 63;
// U-labels are longer than their A-labels, and UTS 46 drops some characters altogether; this much
// text is all that libidn2 is asked to look at.
constexpr std::size_t max_text = 1024;

std::unexpected<DomainError> fail(DomainFault fault, std::string_view what, std::string_view why) {
    return std::unexpected(DomainError{.fault = fault, .text = complaint(what, why)});
}

bool is_ldh(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// UTS 46 maps these to the full stop: U+3002, U+FF0E and U+FF61.
void map_dots(std::string& text) {
    constexpr std::string_view dots[] = {"\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"};
    for (const auto dot : dots)
        for (auto at = text.find(dot); at != std::string::npos; at = text.find(dot, at + 1))
            text.replace(at, dot.size(), 1, '.');
}

struct Looked {
    int code = IDN2_OK;
    std::string label; // IDN2_OK only
};

Looked idn_lookup(const std::string& label) {
    std::uint8_t* raw = nullptr;
    const int code = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(label.c_str()), &raw,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<std::uint8_t, decltype(&idn2_free)> owned(raw, &idn2_free);
    if (code == IDN2_MALLOC) throw std::bad_alloc();
    if (code != IDN2_OK) return {.code = code, .label = {}};
    return {.code = code, .label = reinterpret_cast<const char*>(raw)};
}

std::unexpected<DomainError> idn_fault(const std::string& label, int code) {
    const bool long_label = code == IDN2_TOO_BIG_LABEL || code == IDN2_TOO_BIG_DOMAIN ||
                            code == IDN2_PUNYCODE_BIG_OUTPUT;
    return fail(long_label ? DomainFault::bad_label : DomainFault::bad_idna, label,
                idn2_strerror(code));
}

// A U-label, or what UTS 46 maps to a label. The result is checked by check_name() as any other.
std::expected<std::string, DomainError> to_a_label(const std::string& label) {
    // libidn2 would stop at a NUL, and map some of the others.
    if (!std::ranges::all_of(label, [](char c) { return !is_ascii(c) || is_ldh(c); }))
        return fail(DomainFault::bad_label, label, "no letter, digit or hyphen");
    Looked looked = idn_lookup(label);
    if (looked.code != IDN2_OK) return idn_fault(label, looked.code);
    if (looked.label.find('.') != std::string::npos)
        return fail(DomainFault::bad_idna, label, "a dot inside a label");
    return std::move(looked.label);
}

// An A-label is already the name that DNS knows, so only Punycode that is none counts against it,
// not which characters it stands for: that depends on libidn2's age.
std::optional<DomainError> check_a_label(const std::string& label) {
    switch (const int code = idn_lookup(label).code) {
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_OVERFLOW:
    case IDN2_PUNYCODE_BIG_OUTPUT:
    case IDN2_ENCODING_ERROR:
    case IDN2_TOO_BIG_LABEL:
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
    case IDN2_ALABEL_ROUNDTRIP_FAILED:
        return idn_fault(label, code).error();
    default:
        return std::nullopt;
    }
}

bool needs_idna(std::string_view name) {
    return !std::ranges::all_of(name, is_ascii) || name.starts_with("xn--") ||
           name.find(".xn--") != std::string_view::npos;
}

// Label by label, so that a plain label is the same with and without a U-label beside it.
std::expected<std::string, DomainError> to_a_labels(std::string text) {
    map_dots(text);
    std::string out;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('.', begin), text.size());
        std::string label = text.substr(begin, end - begin);
        if (!std::ranges::all_of(label, is_ascii)) {
            auto converted = to_a_label(label);
            if (!converted) return converted;
            label = *std::move(converted);
        } else if (label.starts_with("xn--") && std::ranges::all_of(label, is_ldh)) {
            if (auto fault = check_a_label(label)) return std::unexpected(*std::move(fault));
        }
        if (begin > 0) out += '.';
        out += label;
        begin = end + 1;
    }
    return out;
}

std::optional<DomainError> check_label(std::string_view label) {
    const auto bad = [&](std::string_view why) {
        return fail(DomainFault::bad_label, label, why).error();
    };
    if (label.empty()) return bad("an empty label");
    if (label.size() > max_label) return bad("a label over 63 octets");
    if (!std::ranges::all_of(label, [](char c) { return is_ldh(c) || c == '_'; }))
        return bad("no letter, digit, hyphen or underscore");
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
    if (needs_idna(name)) {
        auto converted = to_a_labels(std::move(name));
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

} // namespace postseal
