// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/postfix_policy.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

// After tls_policy_lookup_one() of src/smtp/smtp_tls_policy.c, and mystrtok(3), extpar(3),
// split_nameval(3), valid_hostname(3) and name_code(3) of src/util, which it calls.
namespace postseal::verdict {
namespace {

using Fault = std::unexpected<std::string>;

constexpr std::string_view separators = ", \t\r\n"; // CHARS_COMMA_SP
constexpr std::string_view spaces = " \t\n\v\f\r";  // ISSPACE()

std::string_view strip(std::string_view text) {
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// mystrtok(), and from 3.10 on mystrtokq(), which does not split between balanced braces. An
// unclosed brace takes all that follows. Empty: no more tokens.
std::string_view next_token(std::string_view& rest, Form form) {
    rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
    std::size_t depth = 0;
    std::size_t end = 0;
    for (; end < rest.size(); end++) {
        const char c = rest[end];
        if (form == Form::tlsrpt && c == '{')
            depth++;
        else if (depth > 0 && c == '}')
            depth--;
        else if (depth == 0 && separators.contains(c))
            break;
    }
    const auto token = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return token;
}

// extpar() with EXTPAR_FLAG_STRIP and EXTPAR_FLAG_NORMAL_WS: "{ text }" to "text".
std::expected<std::string, std::string> unwrap(std::string_view token) {
    std::size_t depth = 0;
    std::size_t end = 0;
    do {
        if (end == token.size()) return Fault("'}' is missing");
        if (token[end] == '{') depth++;
        if (token[end] == '}') depth--;
        end++;
    } while (depth > 0);
    if (end != token.size()) return Fault("text after '}'");
    std::string inner(strip(token.substr(1, end - 2)));
    std::ranges::replace_if(inner, [](char c) { return spaces.contains(c); }, ' ');
    return inner;
}

struct NameValue {
    std::string_view name;
    std::string_view value;
};

std::expected<NameValue, std::string> split_nameval(std::string_view text) {
    text = strip(text);
    if (text.empty() || text.front() == '=') return Fault("an attribute without a name");
    const auto name_end = std::min(text.find_first_of(" \t\n\v\f\r="), text.size());
    const auto name = text.substr(0, name_end);
    const auto rest = strip(text.substr(name_end));
    if (rest.empty() || rest.front() != '=')
        return Fault(fmt::format("'=' is missing after {}", printable(name, 60)));
    return NameValue{.name = name, .value = strip(rest.substr(1))};
}

bool valid_hostname(std::string_view name) {
    std::size_t label = 0;
    bool numeric = true;
    for (std::size_t i = 0; i < name.size(); i++) {
        const char c = name[i];
        const bool last = i + 1 == name.size();
        if (c == '.') {
            if (label == 0 || last) return false;
            label = 0;
        } else if (c == '-') {
            numeric = false;
            if (label++ == 0 || last || name[i + 1] == '.') return false;
        } else if (is_alphanumeric(c) || c == '_') {
            if (++label > 63) return false;
            numeric = numeric && is_digit(c);
        } else {
            return false;
        }
    }
    return !numeric && name.size() <= 255; // an empty name is numeric
}

// alldig() and an int that holds it.
bool valid_ttl(std::string_view text) {
    std::int32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return std::ranges::all_of(text, is_digit) && error == std::errc() &&
           end == text.data() + text.size();
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> allowed) {
    return std::ranges::any_of(allowed,
                               [&](auto word) { return equals_ignoring_case(value, word); });
}

bool anything(std::string_view) { return true; }

bool not_empty(std::string_view value) { return !value.empty(); }

// "match=:" and "match=." pass the parser; no certificate then matches.
bool names_something(std::string_view value) {
    return value.find_first_not_of(":|.") != std::string_view::npos;
}

bool yes_or_no(std::string_view value) { return is_one_of(value, {"yes", "no"}); }

bool policy_type(std::string_view value) { return is_one_of(value, {"sts", "no-policy-found"}); }

bool policy_failure(std::string_view value) {
    return is_one_of(value, {"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
                             "validation-failure"});
}

enum class Times { once, many };
enum class Levels { any, authenticating, pkix };

struct Attribute {
    std::string_view name;
    Form since; // tlsrpt: 3.7 does not know it
    Times times;
    Levels levels;
    bool (*valid)(std::string_view value);
};

constexpr std::array attributes{
    Attribute{"ciphers", Form::legacy, Times::once, Levels::any, not_empty},
    Attribute{"protocols", Form::legacy, Times::once, Levels::any, anything},
    Attribute{"servername", Form::legacy, Times::once, Levels::any, valid_hostname},
    Attribute{"match", Form::legacy, Times::many, Levels::authenticating, names_something},
    Attribute{"exclude", Form::legacy, Times::once, Levels::any, anything},
    Attribute{"tafile", Form::legacy, Times::many, Levels::pkix, not_empty},
    Attribute{"connection_reuse", Form::legacy, Times::many, Levels::any, yes_or_no},
    Attribute{"enable_rpk", Form::tlsrpt, Times::many, Levels::any, yes_or_no},
    Attribute{"policy_ttl", Form::tlsrpt, Times::once, Levels::any, valid_ttl},
    Attribute{"policy_type", Form::tlsrpt, Times::once, Levels::any, policy_type},
    Attribute{"policy_domain", Form::tlsrpt, Times::once, Levels::any, valid_hostname},
    Attribute{"policy_string", Form::tlsrpt, Times::many, Levels::any, anything},
    Attribute{"mx_host_pattern", Form::tlsrpt, Times::many, Levels::any, anything},
    Attribute{"policy_failure", Form::tlsrpt, Times::once, Levels::any, policy_failure},
};

bool takes(std::string_view level, Levels levels) {
    switch (levels) {
    case Levels::any:
        return true;
    case Levels::authenticating:
        return is_one_of(level, {"fingerprint", "verify", "secure"});
    case Levels::pkix:
        return is_one_of(level, {"verify", "secure"});
    }
    return false;
}

bool has(const PostfixPolicy& policy, std::string_view name) {
    return std::ranges::any_of(policy.attributes, [&](const auto& a) { return a.first == name; });
}

// Nothing, or why Postfix refuses this attribute after those already read.
std::string refusal(const PostfixPolicy& policy, const std::string& name, std::string_view value,
                    Form form) {
    const auto* known = std::ranges::find(attributes, name, &Attribute::name);
    if (known == attributes.end()) return "unknown attribute " + printable(name, 60);
    if (known->since == Form::tlsrpt && form == Form::legacy)
        return fmt::format("attribute {} is not known before Postfix 3.10", name);
    if (!takes(policy.level, known->levels))
        return fmt::format("attribute {} is invalid at level {}", name, policy.level);
    if (!known->valid(value))
        return fmt::format("attribute {} has a bad value: \"{}\"", name, printable(value, 60));
    if (known->times == Times::once && has(policy, name))
        return fmt::format("attribute {} is given twice", name);
    return {};
}

std::string refusal(const PostfixPolicy& policy) {
    if (!has(policy, "policy_type")) {
        for (const auto* name :
             {"policy_ttl", "policy_domain", "policy_string", "mx_host_pattern", "policy_failure"})
            if (has(policy, name)) return fmt::format("attribute {} needs policy_type", name);
        return {};
    }
    const auto type = std::ranges::find(policy.attributes, "policy_type",
                                        &decltype(policy.attributes)::value_type::first);
    for (const auto* name : {"policy_string", "mx_host_pattern"})
        if (equals_ignoring_case(type->second, "sts") && !has(policy, name))
            return fmt::format("policy_type sts without {} crashes Postfix 3.10.0 to 3.10.5", name);
    return {};
}

} // namespace

std::expected<PostfixPolicy, std::string> read_postfix_policy(std::string_view text, Form form) {
    if (text.size() > max_reply_text) return Fault("longer than Postfix takes");
    if (text.contains('\0')) return Fault("a NUL, at which Postfix would cut it off");
    if (!valid_utf8(text)) return Fault("not valid UTF-8");

    const auto level = next_token(text, form);
    if (level.empty()) return Fault("an empty policy");
    PostfixPolicy policy{.level = lower_ascii(level), .attributes = {}};
    if (!is_one_of(level, {"none", "may", "encrypt", "fingerprint", "dane", "dane-only", "verify",
                           "secure"}))
        return Fault("invalid level " + printable(level, 60));
    if (policy.level == "none") return policy;

    for (auto token = next_token(text, form); !token.empty(); token = next_token(text, form)) {
        std::string plain(token);
        if (form == Form::tlsrpt && token.front() == '{') {
            auto inner = unwrap(token);
            if (!inner) return Fault(std::move(inner.error()));
            plain = std::move(*inner);
        }
        const auto pair = split_nameval(plain);
        if (!pair) return Fault(pair.error());
        std::string name = lower_ascii(pair->name);
        if (auto why = refusal(policy, name, pair->value, form); !why.empty())
            return Fault(std::move(why));
        policy.attributes.emplace_back(std::move(name), pair->value);
    }
    if (auto why = refusal(policy); !why.empty()) return Fault(std::move(why));
    return policy;
}

// It was read by the model when it was loaded; which Postfix asks through which map is the
// operator's knowledge, so either form will do.
std::expected<PostfixPolicy, std::string> read_override(std::string_view text) {
    auto read = read_postfix_policy(text, Form::legacy);
    return read ? read : read_postfix_policy(text, Form::tlsrpt);
}

bool protects(const PostfixPolicy& policy) { return !is_one_of(policy.level, {"none", "may"}); }

bool authenticates(const PostfixPolicy& policy) {
    return is_one_of(policy.level, {"dane-only", "verify", "secure", "fingerprint"});
}

} // namespace postseal::verdict
