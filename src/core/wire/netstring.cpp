// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/netstring.h"

#include <charconv>

namespace postseal::wire::netstring {
namespace {

constexpr Scan malformed(const char* why) {
    return {.status = Status::malformed, .payload = {}, .consumed = 0, .fault = why};
}

} // namespace

Scan scan(std::string_view bytes, std::size_t limit) {
    std::size_t length = 0;
    std::size_t at = 0;
    for (; at < bytes.size() && bytes[at] != ':'; at++) {
        if (bytes[at] < '0' || bytes[at] > '9') return malformed("no digit in the length");
        if (at > 0 && length == 0) return malformed("a leading zero in the length");
        const auto digit = static_cast<std::size_t>(bytes[at] - '0');
        if (digit > limit || length > (limit - digit) / 10) return malformed("over the limit");
        length = length * 10 + digit;
    }
    if (at == bytes.size()) return {};
    if (at == 0) return malformed("no length");
    const std::string_view rest = bytes.substr(at + 1);
    if (rest.size() <= length) return {};
    if (rest[length] != ',') return malformed("no comma at the end");
    return {.status = Status::frame,
            .payload = rest.substr(0, length),
            .consumed = at + length + 2,
            .fault = ""};
}

void append(std::string& out, std::string_view payload) {
    char digits[20]; // of 2^64
    const auto end = std::to_chars(digits, digits + sizeof digits, payload.size()).ptr;
    out.append(digits, end).append(1, ':').append(payload).append(1, ',');
}

} // namespace postseal::wire::netstring
