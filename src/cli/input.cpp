// SPDX-License-Identifier: BSD-3-Clause
#include "cli/input.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace postseal::cli {
namespace {

std::unexpected<std::string> cannot_read(const std::string& file) {
    return std::unexpected(fmt::format("cannot read {}: {}", file, std::strerror(errno)));
}

} // namespace

std::expected<InputFile, std::string> open_input(const std::string& file) {
    if (file == "-") return InputFile(stdin, [](std::FILE*) { return 0; });
    InputFile opened(std::fopen(file.c_str(), "re"), &std::fclose);
    if (!opened) return cannot_read(file);
    return opened;
}

std::expected<std::string, std::string> read_input(const std::string& file, std::size_t most) {
    const auto opened = open_input(file);
    if (!opened) return std::unexpected(opened.error());
    std::string text(most, '\0');
    text.resize(std::fread(text.data(), 1, most, opened->get()));
    if (std::ferror(opened->get()) != 0) return cannot_read(file);
    return text;
}

} // namespace postseal::cli
