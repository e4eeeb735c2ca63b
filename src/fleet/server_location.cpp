// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/server_location.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

namespace postseal::fleet {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::uint16_t default_port = 5432;

// What stands between quotes may be part of a password.
std::string without_quotes(std::string_view text) {
    std::string out;
    bool quoted = false;
    for (const char c : text.substr(0, text.find('\n'))) {
        if (c == '"') {
            if (!quoted) out += "\"...\"";
            quoted = !quoted;
        } else if (!quoted) {
            out += c;
        }
    }
    return printable(out, 200);
}

std::expected<Options, std::string> options_of(const std::string& uri) {
    char* fault = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(uri.c_str(), &fault), PQconninfoFree);
    const std::unique_ptr<char, decltype(&PQfreemem)> text(fault, PQfreemem);
    if (!options)
        return std::unexpected(without_quotes(fault == nullptr ? "out of memory" : fault));
    Options set;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; option++)
        if (option->val != nullptr && *option->val != '\0') set[option->keyword] = option->val;
    return set;
}

std::string value(const Options& options, const char* name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

std::vector<std::string> list(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

// What stays on this machine is not listened to.
bool is_local(const ServerHost& one) {
    const std::string& host = one.address.empty() ? one.host : one.address;
    return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" ||
           host == "127.0.0.1" || host == "::1";
}

// One for each host, or one for all; where there is none, libpq's own.
std::vector<std::uint16_t> ports_of(const Options& options) {
    if (options.contains("service") || std::getenv("PGSERVICE") != nullptr ||
        std::getenv("PGPORT") != nullptr)
        return {};
    const std::string all = value(options, "port") + ",";
    std::vector<std::uint16_t> ports;
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = all.find(',', begin);
        std::uint16_t port = default_port;
        std::from_chars(all.data() + begin, all.data() + end, port);
        ports.push_back(port);
        begin = end + 1;
    }
    return ports;
}

std::unexpected<std::string> no_uri(std::string_view why) {
    return std::unexpected(fmt::format("store: not a connection URI of libpq: {}", why));
}

} // namespace

std::expected<ServerLocation, std::string> parse_server_location(const std::string& uri) {
    if (!uri.starts_with("postgresql://") && !uri.starts_with("postgres://"))
        return no_uri("it does not begin with postgresql://");
    const auto options = options_of(uri);
    if (!options) return no_uri(options.error());
    std::string host = value(*options, "host");
    if (host.empty()) host = value(*options, "hostaddr");
    const std::string user = value(*options, "user");
    std::string port = value(*options, "port");
    if (port.find_first_not_of(',') == std::string::npos) port.clear(); // several hosts, no ports
    ServerLocation location;
    location.shown = fmt::format("postgresql://{}{}{}{}{}/{}", user, user.empty() ? "" : "@", host,
                                 port.empty() ? "" : ":", port, value(*options, "dbname"));
    location.shown = printable(location.shown, 200);
    for (const char* name : {"sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "passfile"})
        if (const std::string file = value(*options, name); file.starts_with('/'))
            location.files.push_back(file);
    const ConnectOptions connect = connect_options(uri);
    const auto remote = std::ranges::find_if_not(connect.hosts, is_local);
    if (remote != connect.hosts.end() && !connect.verifies_server)
        location.unverified = printable(remote->host.empty() ? remote->address : remote->host, 100);
    location.ports = ports_of(*options);
    return location;
}

// PostgreSQL's manual, section "Specifying Multiple Hosts".
ConnectOptions connect_options(const std::string& uri) {
    const Options options = options_of(uri).value_or(Options());
    const auto hosts = list(value(options, "host")), addresses = list(value(options, "hostaddr")),
               ports = list(value(options, "port"));
    ConnectOptions found;
    const auto at = [](const std::vector<std::string>& parts, std::size_t i) {
        return i < parts.size() ? parts[i] : std::string();
    };
    for (std::size_t i = 0; i < std::max(hosts.size(), addresses.size()); i++)
        found.hosts.push_back({.host = at(hosts, i),
                               .address = at(addresses, i),
                               .port = ports.size() == 1 ? ports[0] : at(ports, i)});
    for (const auto& [name, value] : options)
        if (name != "host" && name != "hostaddr" && name != "port")
            found.others.emplace_back(name, value);
    int seconds_to_connect = 0;
    const std::string timeout = value(options, "connect_timeout");
    std::from_chars(timeout.data(), timeout.data() + timeout.size(), seconds_to_connect);
    if (seconds_to_connect > 0)
        found.connect_timeout = seconds(std::clamp(seconds_to_connect, 1, 60));
    found.verifies_server = value(options, "sslmode") == "verify-full";
    return found;
}

std::vector<std::string> passwords_of(const std::string& uri) {
    std::vector<std::string> passwords;
    const auto options = options_of(uri);
    if (!options) return passwords;
    for (const char* name : {"password", "sslpassword"})
        if (std::string password = value(*options, name); !password.empty())
            passwords.push_back(std::move(password));
    return passwords;
}

} // namespace postseal::fleet
