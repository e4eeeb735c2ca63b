// SPDX-License-Identifier: BSD-3-Clause
#include "dns/resolv_conf.h"

#include "dns/server_address.h"
#include "dns/zone_text.h"
#include "postseal/base/resolv_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::dns {
namespace {

std::expected<std::vector<std::string>, std::string> servers_of(const std::string& path) {
    const auto text = read_zone_file(path);
    if (!text)
        return std::unexpected(fmt::format("cannot read {}: {}; write the addresses of name "
                                           "servers into dns.forward instead",
                                           path, text.error()));
    std::vector<std::string> servers = name_servers_in(*text);
    std::erase_if(servers, [](const std::string& server) { return !parse_server(server); });
    if (servers.empty())
        return std::unexpected(fmt::format("{} names no name server (nameserver ADDRESS); write "
                                           "the addresses of name servers into dns.forward instead",
                                           path));
    return servers;
}

} // namespace

bool names_resolv_conf(const std::vector<std::string>& forward) {
    return std::ranges::find(forward, resolv_conf_word) != forward.end();
}

std::expected<std::vector<std::string>, std::string>
forward_servers(const std::vector<std::string>& forward, const std::string& path) {
    std::vector<std::string> out;
    for (const std::string& server : forward) {
        if (server != resolv_conf_word) {
            out.push_back(server);
            continue;
        }
        auto servers = servers_of(path);
        if (!servers) return std::unexpected(std::move(servers.error()));
        out.insert(out.end(), servers->begin(), servers->end());
    }
    return out;
}

} // namespace postseal::dns
