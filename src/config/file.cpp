// SPDX-License-Identifier: BSD-3-Clause
#include "config/file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace postseal::config {

std::expected<std::string, std::error_code> read_file(const std::string& path) {
    const auto last_error = [] {
        return std::unexpected(std::error_code(errno, std::generic_category()));
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                               &std::fclose);
    if (!file) return last_error();
    std::string text;
    char buffer[16384];
    std::size_t got = sizeof buffer;
    while (got == sizeof buffer) {
        got = std::fread(buffer, 1, sizeof buffer, file.get());
        text.append(buffer, got);
    }
    if (std::ferror(file.get()) != 0) return last_error();
    return text;
}

} // namespace postseal::config
