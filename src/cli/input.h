// cli/input.h: a file, or standard input, line by line or as a whole
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>

namespace postseal::cli {

using InputFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// "-" is standard input. Errors: a sentence that names the file.
[[nodiscard]] std::expected<InputFile, std::string> open_input(const std::string& file);

// Its first octets, at most so many.
[[nodiscard]] std::expected<std::string, std::string> read_input(const std::string& file,
                                                                 std::size_t most);

} // namespace postseal::cli
