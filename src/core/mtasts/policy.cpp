// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/policy.h"

#include "field_name.h"
#include "postseal/base/names.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace postseal::mtasts {
namespace {

constexpr std::size_t max_max_age_digits = 10;

// A policy as far as its lines have been read. The errors of the functions below carry no line:
// parse_policy, which counts them, adds it; and no column where take_field knows it.
struct Draft {
    bool version = false;
    std::optional<Mode> mode;
    std::optional<seconds> max_age;
    std::vector<MxPattern> mx;
    std::vector<std::string> mx_without_host;
    std::vector<std::string> mx_converted;
    std::vector<std::string> lines;
};

using Checked = std::expected<void, PolicyError>;

std::unexpected<PolicyError> fail(PolicyFault fault, std::string text, std::size_t column = 0) {
    return std::unexpected(PolicyError{.fault = fault, .column = column, .text = std::move(text)});
}

Checked check_text(std::string_view line) {
    const auto control = std::ranges::find_if(line, [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return (octet < 0x20 && c != '\t') || octet == 0x7f;
    });
    if (control != line.end())
        return fail(PolicyFault::bad_text,
                    fmt::format("control character 0x{:02x}", static_cast<unsigned char>(*control)),
                    static_cast<std::size_t>(control - line.begin()) + 1);
    if (!valid_utf8(line)) return fail(PolicyFault::bad_text, "not UTF-8");
    return {};
}

Checked take_version(Draft& draft, std::string_view value) {
    if (value != "STSv1")
        return fail(PolicyFault::bad_version,
                    fmt::format("version is {}, not \"STSv1\"", in_quotes(value)));
    draft.version = true;
    return {};
}

constexpr auto mode_names =
    names_for<Mode>({{Mode::none, "none"}, {Mode::testing, "testing"}, {Mode::enforce, "enforce"}});

Checked take_mode(Draft& draft, std::string_view value) {
    draft.mode = mode_names.find(value);
    if (draft.mode) return {};
    return fail(
        PolicyFault::bad_mode,
        fmt::format("mode is {}, not \"enforce\", \"testing\" or \"none\"", in_quotes(value)));
}

// Erratum 7282 would have 8 digits, enough for the maximum. The published 10 are accepted and
// clamped: a domain that asks for more than the maximum means the maximum.
Checked take_max_age(Draft& draft, std::string_view value) {
    if (value.empty() || value.size() > max_max_age_digits || !std::ranges::all_of(value, is_digit))
        return fail(PolicyFault::bad_max_age,
                    fmt::format("max_age is {}, not 1 to 10 digits", in_quotes(value)));
    std::int64_t count = 0;
    std::from_chars(value.data(), value.data() + value.size(), count);
    draft.max_age = std::min(seconds(count), max_max_age);
    return {};
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// sts-policy-mx-value: ["*."] and the Domain of RFC 5321 section 4.1.2, which knows neither the
// limits of DNS nor that no top-level domain is a number.
bool fits_mx_grammar(std::string_view value) {
    if (value.starts_with("*.")) value.remove_prefix(2);
    for (;;) {
        const auto dot = value.find('.');
        const auto label = value.substr(0, dot);
        if (label.empty() || label.front() == '-' || label.back() == '-') return false;
        if (!std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; }))
            return false;
        if (dot == std::string_view::npos) return true;
        value.remove_prefix(dot + 1);
    }
}

// As MxPattern, but U-labels are turned into A-labels.
std::expected<MxPattern, DomainError> converted_mx(std::string_view value) {
    const bool wildcard = value.starts_with("*.");
    auto domain = Domain::parse(wildcard ? value.substr(2) : value);
    if (!domain) return std::unexpected(std::move(domain).error());
    return MxPattern{.wildcard = wildcard, .domain = *std::move(domain)};
}

Checked take_mx(Draft& draft, std::string_view value) {
    const bool u_labels = !std::ranges::all_of(value, is_ascii) && !value.ends_with('.');
    auto pattern = u_labels ? converted_mx(value) : MxPattern::parse(value);
    // Domain takes U-labels with an underscore, because hosts have them; the grammar does not.
    if (pattern && u_labels && !fits_mx_grammar(pattern->text()))
        return fail(PolicyFault::bad_mx,
                    fmt::format("mx \"{}\": not a letter, digit or hyphen", printable(value)));
    if (pattern) {
        draft.mx.push_back(*std::move(pattern));
        if (u_labels) draft.mx_converted.emplace_back(value);
        return {};
    }
    if (!fits_mx_grammar(value))
        return fail(PolicyFault::bad_mx,
                    fmt::format("mx \"{}\": {}", printable(value), pattern.error().text));
    draft.mx_without_host.emplace_back(value);
    return {};
}

// sts-policy-ext-value: what check_text lets through except the tab, and not empty. White space at
// the ends is gone already.
Checked check_extension(std::string_view name, std::string_view value) {
    if (value.empty())
        return fail(PolicyFault::bad_field, fmt::format("{} has no value", in_quotes(name)));
    if (value.contains('\t'))
        return fail(PolicyFault::bad_field, fmt::format("tab in the value of {}", in_quotes(name)));
    return {};
}

Checked take_value(Draft& draft, std::string_view name, std::string_view value) {
    if (name == "mx") return take_mx(draft, value);
    if (name == "version" && !draft.version) return take_version(draft, value);
    if (name == "mode" && !draft.mode) return take_mode(draft, value);
    if (name == "max_age" && !draft.max_age) return take_max_age(draft, value);
    return check_extension(name, value);
}

// One line without its end and the white space before it. The order of fields is free.
Checked take_field(Draft& draft, std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
        return fail(PolicyFault::bad_field, fmt::format("{} has no \":\"", in_quotes(line)), 1);
    const auto name = line.substr(0, colon);
    if (!is_field_name(name))
        return fail(PolicyFault::bad_field, fmt::format("{} is not a field name", in_quotes(name)),
                    1);
    auto value = line.substr(colon + 1);
    while (!value.empty() && is_wsp(value.front()))
        value.remove_prefix(1);
    auto taken = take_value(draft, name, value);
    if (!taken) taken.error().column = line.size() - value.size() + 1;
    return taken;
}

Checked take_line(Draft& draft, std::string_view line) {
    if (auto checked = check_text(line); !checked) return checked;
    if (auto taken = take_field(draft, line); !taken) return taken;
    draft.lines.emplace_back(line);
    return {};
}

std::expected<Policy, PolicyError> finish(Draft draft) {
    if (!draft.version) return fail(PolicyFault::no_version, "no version");
    if (!draft.mode) return fail(PolicyFault::no_mode, "no mode");
    if (!draft.max_age) return fail(PolicyFault::no_max_age, "no max_age");
    if (draft.mx.empty() && draft.mx_without_host.empty() && *draft.mode != Mode::none)
        return fail(PolicyFault::no_mx,
                    fmt::format("no mx, and mode is {}", to_string(*draft.mode)));
    return Policy{.mode = *draft.mode,
                  .max_age = *draft.max_age,
                  .mx = std::move(draft.mx),
                  .mx_without_host = std::move(draft.mx_without_host),
                  .mx_converted = std::move(draft.mx_converted),
                  .lines = std::move(draft.lines)};
}

// Takes the next line off `rest`, without its LF or CRLF and the white space before them. The end
// of the text ends a line too, but makes no line end of a CR.
std::string_view next_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty() && is_wsp(line.back()))
        line.remove_suffix(1);
    return line;
}

} // namespace

std::string_view to_string(Mode mode) { return mode_names[mode]; }

std::expected<Policy, PolicyError> parse_policy(std::string_view text) {
    if (text.size() > max_policy_size)
        return fail(PolicyFault::too_large,
                    fmt::format("{} octets, at most {} are allowed", text.size(), max_policy_size));
    Draft draft;
    std::size_t blank = 0; // the first blank line, which only others may follow
    for (std::size_t number = 1; !text.empty(); number++) {
        const auto line = next_line(text);
        if (line.empty()) {
            if (blank == 0) blank = number;
            continue;
        }
        if (blank != 0)
            return std::unexpected(PolicyError{.fault = PolicyFault::blank_line,
                                               .line = blank,
                                               .text = "blank line before the end"});
        if (auto taken = take_line(draft, line); !taken) {
            taken.error().line = number;
            return std::unexpected(std::move(taken).error());
        }
    }
    return finish(std::move(draft));
}

bool matches(const Policy& policy, const Domain& host) {
    return std::ranges::any_of(policy.mx,
                               [&host](const MxPattern& mx) { return mx.matches(host); });
}

} // namespace postseal::mtasts
