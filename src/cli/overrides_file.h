// cli/overrides_file.h: the file of overrides, edited in place
//
// Comments, order and everything else of the file stay as they are.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace postseal::cli {

// The text with `entry` in the place of the one that begins in line `line`, continuation lines
// included; 0: at the end.
[[nodiscard]] std::string with_entry(std::string_view text, std::size_t line,
                                     std::string_view entry);
[[nodiscard]] std::string without_entry(std::string_view text, std::size_t line);

// Atomically: another file is written beside it, with its owner and mode, and takes its place; a
// link is followed. Errors: one sentence.
[[nodiscard]] std::expected<void, std::string> replace_file(const std::string& path,
                                                            std::string_view text);

} // namespace postseal::cli
