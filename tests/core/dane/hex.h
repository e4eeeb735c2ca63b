// dane/hex.h: hexadecimal digits, blanks between them ignored, to octets; anything else stops the
// test
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace postseal::test {

[[nodiscard]] inline std::string from_hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string octets;
    std::size_t pending = digits.size();
    for (const char c : text) {
        if (c == ' ') continue;
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) throw std::runtime_error("not hexadecimal");
        if (pending == digits.size()) {
            pending = digit;
            continue;
        }
        octets += static_cast<char>(pending * 16 + digit);
        pending = digits.size();
    }
    if (pending != digits.size()) throw std::runtime_error("odd number of digits");
    return octets;
}

} // namespace postseal::test
