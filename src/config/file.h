// config/file.h: a whole text file
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>
#include <system_error>

namespace postseal::config {

// Error: as the system says it (no such file, a directory, no permission).
[[nodiscard]] std::expected<std::string, std::error_code> read_file(const std::string& path);

} // namespace postseal::config
