// SPDX-License-Identifier: BSD-3-Clause
#include "survey/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

namespace postseal::survey {
namespace {

constexpr std::string_view begin_of_certificate = "-----BEGIN ";

// OpenSSL finds a certificate in a folder by a name such as "5ed36f99.0" (openssl-rehash(1)).
bool is_hash_name(std::string_view name) {
    constexpr std::size_t digits = 8;
    return name.size() > digits + 1 && name[digits] == '.' &&
           name.substr(0, digits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string folder_fault(const std::string& path) {
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(path, fault))
        if (is_hash_name(entry.path().filename().native())) return "";
    return fmt::format("{} has no certificates with names by hash (openssl rehash)", path);
}

} // namespace

std::string authority_fault(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return fmt::format("{}: {}", path, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return folder_fault(path);
    return text_of_file(path).contains(begin_of_certificate)
               ? ""
               : fmt::format("{} has no certificate", path);
}

std::optional<WallTime> store_written(const std::string& state_dir) {
    std::optional<WallTime> latest;
    for (const char* name : {"postseal.db", "postseal.db-wal"}) {
        struct stat status{};
        if (::stat(fmt::format("{}/{}", state_dir, name).c_str(), &status) != 0) continue;
        const WallTime written{seconds(status.st_mtim.tv_sec)};
        latest = std::max(latest.value_or(written), written);
    }
    return latest;
}

std::string text_of_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

} // namespace postseal::survey
