// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/tcp_table.h"

#include "value.h"

#include <algorithm>

namespace postseal::wire::tcp_table {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

Scan malformed(const char* why) { return {.status = Status::malformed, .key = {}, .fault = why}; }

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '%'; }

// 16: no hexadecimal digit.
unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return 16;
}

// Null: nothing is wrong with it, though at its end a code may still be cut off.
const char* key_fault(std::string_view key) {
    for (std::size_t i = 0; i < key.size(); i++) {
        if (is_plain(key[i])) continue;
        if (key[i] != '%') return "the key has an octet that must be coded";
        for (std::size_t k = 1; k <= 2 && i + k < key.size(); k++)
            if (digit_value(key[i + k]) > 15) return "the key has a bad %XX code";
        i += 2;
    }
    return nullptr;
}

bool is_cut_off(std::string_view key) {
    return key.ends_with('%') || (key.size() > 1 && key[key.size() - 2] == '%');
}

std::string coded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        out.append(1, '%').append(1, digits[octet >> 4U]).append(1, digits[octet & 15U]);
    }
    return out;
}

// `status` with its space.
std::string line(std::string_view status, std::string_view text) {
    std::string out;
    out.reserve(status.size() + text.size() + 1);
    return out.append(status).append(text).append(1, '\n');
}

} // namespace

Scan scan(std::string_view bytes) {
    constexpr std::string_view get = "get ";
    constexpr std::string_view put = "put ";
    const std::string_view head = bytes.substr(0, get.size());
    if (!get.starts_with(head) && !put.starts_with(head)) return malformed("neither get nor put");
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const bool is_get = bytes.starts_with(get);
    const std::string_view key =
        is_get ? bytes.substr(0, std::min(end, max_line)).substr(get.size()) : "";
    if (const char* why = key_fault(key)) return malformed(why);
    if (end >= max_line) return malformed("a line of more than 4096 octets");
    if (end == bytes.size()) return {};
    if (is_cut_off(key)) return malformed("the key has a bad %XX code");
    return {.status = Status::frame,
            .verb = is_get ? Verb::get : Verb::put,
            .key = key,
            .consumed = end + 1};
}

std::string decode(std::string_view coded) {
    std::string out;
    out.reserve(coded.size());
    for (std::size_t i = 0; i < coded.size(); i++) {
        const bool is_code = coded[i] == '%' && i + 2 < coded.size();
        out += is_code
                   ? static_cast<char>(digit_value(coded[i + 1]) << 4U | digit_value(coded[i + 2]))
                   : coded[i];
        if (is_code) i += 2;
    }
    return out;
}

std::string ok(std::string_view value) {
    if (const char* why = unfit(value)) return temp(why);
    const std::string text = coded(value);
    if (text.size() > max_value) return temp("the policy is over 4096 octets");
    return line("200 ", text);
}

std::string not_found(std::string_view reason) { return line("500 ", coded(printable(reason))); }

std::string temp(std::string_view reason) { return line("400 ", coded(printable(reason))); }

} // namespace postseal::wire::tcp_table
