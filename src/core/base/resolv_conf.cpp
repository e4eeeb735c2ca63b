// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/resolv_conf.h"

#include "postseal/base/text.h"

#include <cstddef>

namespace postseal {
namespace {

constexpr std::size_t max_name_servers = 3; // MAXNS of resolv.h

} // namespace

std::vector<std::string> name_servers_in(std::string_view resolv_conf) {
    std::vector<std::string> out;
    while (!resolv_conf.empty() && out.size() < max_name_servers) {
        const auto end = resolv_conf.find('\n');
        std::string_view line = resolv_conf.substr(0, end);
        resolv_conf.remove_prefix(end == std::string_view::npos ? resolv_conf.size() : end + 1);
        constexpr std::string_view keyword = "nameserver";
        if (!line.starts_with(keyword)) continue;
        line.remove_prefix(keyword.size());
        if (line.empty() || (line.front() != ' ' && line.front() != '\t')) continue;
        line = trim(line);
        line = line.substr(0, line.find_first_of(" \t\r;#"));
        if (!line.empty()) out.emplace_back(line);
    }
    return out;
}

} // namespace postseal
