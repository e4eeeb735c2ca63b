// SPDX-License-Identifier: BSD-3-Clause
#include "cli/overrides_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace postseal::cli {
namespace {

constexpr std::string_view blanks = " \t\r";

// With its line end.
std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    rest.remove_prefix(line.size());
    return line;
}

// White space at the front and then something that counts (postseal-overrides(5)).
bool continues(std::string_view line) {
    const auto first = line.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && first > 0 && line[first] != '#' &&
           blanks.contains(line.front());
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::unexpected<std::string> cannot(std::string_view what, const std::string& path) {
    return std::unexpected(fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

} // namespace

std::string with_entry(std::string_view text, std::size_t line, std::string_view entry) {
    std::string out;
    if (line == 0) {
        out = text;
        if (!out.empty() && !out.ends_with('\n')) out += '\n';
        return out.append(entry).append(1, '\n');
    }
    bool inside = false;
    for (std::size_t number = 1; !text.empty(); number++) {
        const auto one = take_line(text);
        if (number == line) {
            inside = true;
            out.append(entry).append(entry.empty() ? 0 : 1, '\n');
            continue;
        }
        const bool counts = one.find_first_not_of(" \t\r\n") != std::string_view::npos &&
                            one[one.find_first_not_of(" \t\r\n")] != '#';
        if (inside && continues(one)) continue;
        if (counts) inside = false;
        out += one;
    }
    return out;
}

std::string without_entry(std::string_view text, std::size_t line) {
    return with_entry(text, line, "");
}

std::expected<void, std::string> replace_file(const std::string& path, std::string_view text) {
    std::error_code ignored;
    const auto real = std::filesystem::canonical(path, ignored);
    const std::string target = ignored ? path : real.string();
    struct stat old{};
    const bool there = ::stat(target.c_str(), &old) == 0;
    std::string beside = target + ".XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);
    if (fd < 0) return cannot("write beside", target);
    const mode_t mode = there ? old.st_mode & 07777U : 0644;
    // Only root can give a file away; a file of one's own stays so.
    const bool owned = !there || ::fchown(fd, old.st_uid, old.st_gid) == 0 || errno == EPERM;
    const bool good = owned && ::fchmod(fd, mode) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
    if (::close(fd) != 0 || !good || ::rename(beside.c_str(), target.c_str()) != 0) {
        auto fault = cannot("write", target);
        ::unlink(beside.c_str());
        return fault;
    }
    return {};
}

} // namespace postseal::cli
