// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/delegation.h"

#include "postseal/base/text.h"

#include <algorithm>

namespace postseal::wire::delegation {
namespace {

Scan malformed(const char* why) {
    return {.status = Status::malformed, .request = {}, .consumed = 0, .fault = why};
}

// What is looked at of the attributes.
struct Seen {
    std::optional<std::string_view> request;
    std::optional<std::string_view> recipient;

    // Null: taken, or passed over. Else a fault.
    const char* take(std::string_view line) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) return "a line without =";
        if (equals == 0) return "an attribute without a name";
        const std::string_view name = line.substr(0, equals);
        std::optional<std::string_view>* wanted = nullptr;
        if (name == "request") wanted = &request;
        if (name == "recipient") wanted = &recipient;
        if (wanted == nullptr) return nullptr;
        if (*wanted) return "an attribute twice";
        *wanted = line.substr(equals + 1);
        return nullptr;
    }
};

} // namespace

Scan scan(std::string_view bytes) {
    Seen seen;
    std::size_t at = 0;
    for (std::size_t lines = 1;; lines++) {
        const std::string_view rest = bytes.substr(at);
        if (!rest.empty() && is_digit(rest.front()))
            return malformed("a name that begins with a digit");
        const auto end = std::min(rest.find('\n'), rest.size());
        if (lines > max_lines) return malformed("a request of more than 256 lines");
        // Of two limits the one that is passed first, however the octets come.
        if (end >= max_line && at + max_line <= max_request)
            return malformed("a line of more than 8192 octets");
        if (std::min(at + end + 1, bytes.size()) > max_request)
            return malformed("a request of more than 32768 octets");
        if (end == rest.size()) return {};
        at += end + 1;
        if (end == 0) break;
        if (const char* why = seen.take(rest.substr(0, end))) return malformed(why);
    }
    if (!seen.request) return malformed("no attribute request");
    return {.status = Status::frame,
            .request = {.request = *seen.request, .recipient = seen.recipient.value_or("")},
            .consumed = at,
            .fault = ""};
}

std::optional<std::string_view> domain_of(std::string_view recipient) {
    const auto at = recipient.rfind('@');
    if (at == std::string_view::npos || at + 1 == recipient.size()) return std::nullopt;
    return recipient.substr(at + 1);
}

std::string action(std::string_view text) {
    return "action=" + printable(text, max_action) + "\n\n";
}

} // namespace postseal::wire::delegation
