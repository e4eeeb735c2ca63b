// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/facts.h"

#include "checks.h"
#include "postseal/base/resolv_conf.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace postseal::doctor {
namespace {

template <class T> void add_new(std::vector<T>& to, T value) {
    if (std::ranges::find(to, value) == to.end()) to.push_back(std::move(value));
}

} // namespace

const Settings& in_force(const Facts& facts) {
    return facts.daemon ? facts.daemon->settings : facts.settings;
}

Endpoint seen_from_outside(const Table& table, const Client& client, const Postconf& postconf) {
    Endpoint out = table.endpoint;
    if (!out.is_unix()) return out;
    // proxymap(8) is in no chroot, and connects in the place of its client.
    const bool inside = client.chrooted && !table.proxied;
    if (inside || !out.path.starts_with('/')) {
        const auto begin = std::min(out.path.find_first_not_of('/'), out.path.size());
        out.path = fmt::format("{}/{}", postconf.value("queue_directory"), out.path.substr(begin));
    }
    return out;
}

std::vector<Endpoint> endpoints_to_reach(const Facts& facts) {
    const Postconf& postconf = facts.postconf;
    std::vector<Endpoint> out;
    for (const Client& client : postconf.clients)
        for (const Table& table : parse_tables(postconf.value(client, "smtp_tls_policy_maps")))
            if (is_of_this_machine(table.endpoint))
                add_new(out, seen_from_outside(table, client, postconf));
            else if (listener_of(table, client, facts) != nullptr)
                add_new(out, table.endpoint);
    return out;
}

// postmap(1) is in no chroot and need not ask proxymap(8), so what only they see is not tried: a
// unix socket is connected to.
std::vector<Table> tables_to_try(const Postconf& postconf) {
    std::vector<Table> out;
    for (const Client& client : postconf.clients)
        for (Table& table : parse_tables(postconf.value(client, "smtp_tls_policy_maps")))
            if (!table.proxied && !table.endpoint.is_unix()) add_new(out, std::move(table));
    return out;
}

std::vector<std::string> authorities_to_read(const Postconf& postconf) {
    std::vector<std::string> out;
    for (const Client& client : postconf.clients) {
        const std::string file(postconf.value(client, "smtp_tls_CAfile"));
        const std::string folder(postconf.value(client, "smtp_tls_CApath"));
        if (!file.empty()) add_new(out, file);
        if (folder.empty()) continue;
        add_new(out,
                client.chrooted ? std::string(postconf.value("queue_directory")) + folder : folder);
    }
    return out;
}

std::vector<Nexthop> destinations_to_look_up(const Postconf& postconf) {
    constexpr std::size_t max_destinations = 8;
    std::vector<Nexthop> out;
    const auto add = [&out](std::string_view words) {
        while (!(words = trim(words)).empty()) {
            const auto end = std::min(words.find_first_of(", \t\n"), words.size());
            const auto nexthop = Nexthop::parse(words.substr(0, end));
            words.remove_prefix(std::min(end + 1, words.size()));
            if (nexthop && out.size() < max_destinations) add_new(out, *nexthop);
        }
    };
    for (const Client& client : postconf.clients)
        add(postconf.value(client, "relayhost"));
    add(postconf.value("mydomain"));
    add(postconf.value("relay_domains"));
    return out;
}

bool any_chrooted(const Postconf& postconf) {
    return std::ranges::any_of(postconf.clients, &Client::chrooted);
}

std::vector<std::string> name_servers_of(std::string_view resolv_conf) {
    std::vector<std::string> out = name_servers_in(resolv_conf);
    if (out.empty()) out.emplace_back("127.0.0.1");
    return out;
}

std::string UnaskedZone::text() const {
    constexpr std::size_t max_shown = 3;
    std::string list;
    for (const Server& server : servers) {
        if (&server - servers.data() == max_shown) {
            list += fmt::format(", and {} more", servers.size() - max_shown);
            break;
        }
        list += fmt::format("{}{} at {}, which is {}", list.empty() ? "" : ", ", server.name,
                            server.address, server.kind);
    }
    return fmt::format("the name servers of the zone {} are not asked: {}",
                       name.empty() ? "." : name, list);
}

std::string private_name_servers(const std::vector<UnaskedZone>& zones,
                                 std::vector<std::string> configured) {
    for (const UnaskedZone& zone : zones)
        for (const UnaskedZone::Server& server : zone.servers)
            add_new(configured, server.address);
    std::string list;
    for (const std::string& text : configured)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", text);
    return fmt::format("private_name_servers = [{}]", list);
}

} // namespace postseal::doctor
