// fuzz/check.h: what every fuzz target here uses to say that something must hold
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postseal::fuzz {

// Always compiled in, unlike assert(): libFuzzer reports the trap and keeps the input.
inline void check(bool holds) {
    if (!holds) __builtin_trap();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

inline bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

} // namespace postseal::fuzz
