// SPDX-License-Identifier: BSD-3-Clause
#include "support/rdata.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <stdexcept>

namespace postseal::test {
namespace {

unsigned number(std::string_view& rest, unsigned most, int base = 10) {
    while (rest.starts_with(' '))
        rest.remove_prefix(1);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (error != std::errc() || value > most)
        throw std::runtime_error(fmt::format("no number up to {}: {}", most, rest));
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
}

void append_u8(std::string& out, unsigned value) { out += static_cast<char>(value); }

void append_u16(std::string& out, unsigned value) {
    append_u8(out, value >> 8U);
    append_u8(out, value & 0xffU);
}

std::string address(int family, std::size_t size, std::string_view text) {
    std::array<char, 16> octets{};
    if (inet_pton(family, std::string(text).c_str(), octets.data()) != 1)
        throw std::runtime_error(fmt::format("no address: {}", text));
    return {octets.data(), size};
}

std::string character_strings(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('"', 1);
        if (text.front() != '"' || end == std::string_view::npos || end > 256)
            throw std::runtime_error(fmt::format("no quoted string: {}", text));
        append_u8(out, static_cast<unsigned>(end - 1));
        out += text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        while (text.starts_with(' '))
            text.remove_prefix(1);
    }
    return out;
}

} // namespace

std::string wire_name(std::string_view text) {
    std::string out;
    while (!text.empty() && text != ".") {
        const std::string_view label = text.substr(0, text.find('.'));
        if (label.empty() || label.size() > 63)
            throw std::runtime_error(fmt::format("no label: {}", text));
        append_u8(out, static_cast<unsigned>(label.size()));
        out += label;
        text.remove_prefix(label.size() < text.size() ? label.size() + 1 : label.size());
    }
    out += '\0';
    return out;
}

std::string text_of_name(std::string_view wire) {
    std::string out;
    while (!wire.empty() && wire.front() != '\0') {
        const auto length = static_cast<std::size_t>(static_cast<unsigned char>(wire.front()));
        if (!out.empty()) out += '.';
        out += wire.substr(1, length);
        wire.remove_prefix(std::min(1 + length, wire.size()));
    }
    return out;
}

std::string octets_of_hex(std::string_view text) {
    std::string out;
    if (const auto star = text.find('*'); star != std::string_view::npos) {
        std::string_view times = text.substr(star + 1);
        out.append(number(times, 65'535), octets_of_hex(text.substr(0, star)).at(0));
        return out;
    }
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(2, text.size()))) {
        std::string_view pair = text.substr(0, 2);
        append_u8(out, number(pair, 255, 16));
        if (!pair.empty()) throw std::runtime_error(fmt::format("no hex digits: {}", text));
    }
    return out;
}

std::string rdata_of(std::string_view type, std::string_view text) {
    if (text.starts_with("\\#")) {
        text.remove_prefix(std::min(text.find_first_not_of("\\# "), text.size()));
        return octets_of_hex(text);
    }
    if (type == "A") return address(AF_INET, 4, text);
    if (type == "AAAA") return address(AF_INET6, 16, text);
    if (type == "CNAME" || type == "DNAME") return wire_name(text);
    if (type == "TXT") return character_strings(text);
    std::string out;
    if (type == "MX") {
        append_u16(out, number(text, 65'535));
        return out + wire_name(text.substr(std::min<std::size_t>(1, text.size())));
    }
    if (type == "TLSA") {
        for (int field = 0; field < 3; field++)
            append_u8(out, number(text, 255));
        return out + octets_of_hex(text.substr(std::min<std::size_t>(1, text.size())));
    }
    throw std::runtime_error(fmt::format("no such type: {}", type));
}

} // namespace postseal::test
