// SPDX-License-Identifier: BSD-3-Clause
#include "cli/keys.h"

#include "cli/exit_status.h"
#include "cli/input.h"
#include "postseal/base/nexthop.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace postseal::cli {
namespace {

constexpr std::size_t max_input = 16U << 20U;
constexpr std::string_view separators = " \t\r\n";

// The first character that no host name, port or bracket has; empty: there is none.
std::string offending(std::string_view key) {
    const auto at = std::ranges::find_if(key, [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && !is_alphanumeric(c) && c != '-' &&
               c != '_' && c != '.' && c != ':' && c != '[' && c != ']';
    });
    if (at == key.end()) return {};
    if (*at == ' ') return "a blank";
    if (*at < ' ' || *at == 0x7f)
        return fmt::format("character 0x{:02x}", static_cast<unsigned>(*at));
    return fmt::format("\"{}\"", *at);
}

std::string why_none(std::string_view word, const NexthopError& error) {
    const std::string shown = printable(word, 80);
    switch (error.fault) {
    case NexthopFault::empty:
        return "an empty key is not a destination";
    case NexthopFault::parent_domain:
        return fmt::format("\"{}\" is not a destination: it begins with \".\"; Postfix looks a "
                           "parent domain up so, and is told that it has no policy",
                           shown);
    case NexthopFault::path:
        return fmt::format("\"{}\" is not a destination: \"/\" is in no domain", shown);
    default:
        break;
    }
    const std::string character = offending(word);
    if (character.empty()) return fmt::format("\"{}\" is not a destination: {}", shown, error.text);
    return fmt::format("\"{}\" is not a destination: {} is in no domain name that takes mail",
                       shown, character);
}

} // namespace

std::expected<Key, ClientError> key_of(const std::string& word) {
    std::string_view key = trim(word);
    Key out;
    if (key.starts_with('<') && key.ends_with('>')) key = key.substr(1, key.size() - 2);
    if (const auto at = key.rfind('@'); at != std::string_view::npos) {
        key = key.substr(at + 1);
        out.note = fmt::format("{}: of an address the domain counts", printable(key, 80));
    }
    out.key = key;
    // What is only like an address is none: smtp(8) ends at it, or bounces the mail.
    const auto destination = Nexthop::parse_destination(out.key);
    if (destination) return out;
    return std::unexpected(ClientError{usage, why_none(key, destination.error())});
}

std::expected<std::string, ClientError> named_key(const std::string& word) {
    auto key = key_of(word);
    if (!key) return std::unexpected(key.error());
    if (!key->note.empty()) fmt::print(stderr, "postseal: {}\n", key->note);
    return std::move(key->key);
}

std::expected<std::vector<std::string>, ClientError>
words_of(const std::vector<std::string>& words) {
    std::vector<std::string> out;
    for (const std::string& word : words) {
        if (word != "-") {
            out.push_back(word);
            continue;
        }
        const auto text = read_input("-", max_input);
        if (!text) return std::unexpected(ClientError{usage, text.error()});
        std::string_view rest = *text;
        while (true) {
            rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
            if (rest.empty()) break;
            const auto end = std::min(rest.find_first_of(separators), rest.size());
            out.emplace_back(rest.substr(0, end));
            rest.remove_prefix(end);
        }
    }
    return out;
}

} // namespace postseal::cli
