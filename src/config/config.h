// config/config.h: postseal.toml as one value
//
// load() reads a file, parse() a text; every key is optional. Errors name the file, the line, the
// key and the fix; an unknown key is one, and names the nearest known key. Nothing outside is
// touched: that an address can be bound or a file be read shows when the parts are built. Durations
// are written "250ms", "8s", "2m", "1h"; sizes "64K", "256M", "1G" (powers of 1024).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/options.h"
#include "postseal/base/names.h"
#include "postseal/base/time.h"
#include "postseal/verdict/action.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/reply.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::config {

struct Error {
    std::string file;
    std::size_t line = 0; // 0: the file as a whole
    std::string key;      // "dns.timeout"; empty where there is none
    std::string text;     // what is wrong and what to write instead

    [[nodiscard]] std::string message() const; // "FILE:LINE: KEY: TEXT"
    friend bool operator==(const Error&, const Error&) = default;
};

enum class Protocol { socketmap, tcp_table, delegation, admin, http };
inline constexpr auto protocol_names = names_for<Protocol>({
    {Protocol::socketmap, "socketmap"},
    {Protocol::tcp_table, "tcp_table"},
    {Protocol::delegation, "delegation"},
    {Protocol::admin, "admin"},
    {Protocol::http, "http"},
});
[[nodiscard]] std::string_view to_string(Protocol protocol);

// A connection on which nothing has happened for so long is closed. Postfix should be the first:
// one that it finds closed costs a socketmap client a retry and the others a second.
[[nodiscard]] milliseconds default_idle(Protocol protocol);

// "inet:HOST:PORT", "inet:[V6]:PORT", "unix:PATH"
struct Address {
    std::string host; // empty: a unix socket
    std::uint16_t port = 0;
    std::string path; // unix

    [[nodiscard]] bool is_unix() const { return !path.empty(); }
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Address&, const Address&) = default;
};
[[nodiscard]] std::expected<Address, std::string> parse_address(std::string_view text);

struct Listen {
    Address address;
    Protocol protocol = Protocol::socketmap;
    std::vector<std::string> maps;  // empty: all; tcp_table: exactly one
    std::vector<std::string> hosts; // http: names it answers for, beside localhost; lower case
    std::string owner;              // unix sockets; empty: as created
    std::string group;
    unsigned mode = 0660;
    milliseconds idle = default_idle(Protocol::socketmap);
    // Of limits.connections: places that no other listener takes. Not for admin and http, which
    // have a limit of their own.
    std::size_t connections = 0;

    friend bool operator==(const Listen&, const Listen&) = default;
};

struct Map {
    std::string name;
    verdict::ReplyOptions reply;
    verdict::Options verdict; // where the map says nothing: as [verdict]

    friend bool operator==(const Map&, const Map&) = default;
};

struct Dns {
    std::vector<std::string> trust_anchor{"system"}; // the word: dns/system_files.h
    std::string root_hints = "system";
    std::vector<std::string> forward;
    std::vector<std::string> stub;
    std::string unbound_conf;
    std::vector<std::string> private_name_servers; // prefixes
    bool qname_minimisation = false;               // RFC 9156
    milliseconds timeout{8000};

    friend bool operator==(const Dns&, const Dns&) = default;
};

struct Https {
    std::string ca_file; // empty: the system's trust store
    bool allow_private = false;
    milliseconds timeout{30000};
    std::size_t per_address = 8;

    friend bool operator==(const Https&, const Https&) = default;
};

struct Limits {
    std::size_t connections = 4096;
    std::size_t lookups = 512;
    milliseconds deadline{10000};
    std::size_t reply_memory = std::size_t{16} << 20U; // bytes of replies that are not read yet

    friend bool operator==(const Limits&, const Limits&) = default;
};

// What the process may do with files beside what the other keys name (service/sandbox.h).
struct Sandbox {
    bool enabled = true;
    std::vector<std::string> read; // files and folders
    std::vector<std::string> write;

    friend bool operator==(const Sandbox&, const Sandbox&) = default;
};

struct Config {
    std::string state_dir = "/var/lib/postseal";
    std::string store = "sqlite"; // or a connection URI, which may hold a password: never shown
    std::string user;
    std::size_t threads = 1;
    std::vector<Listen> listen; // the two default ones where the file names none
    std::vector<Map> maps;      // built-in ones first, as changed by the file
    verdict::Options verdict;
    std::string overrides = "/etc/postseal/overrides";
    Dns dns;
    Https https;
    std::size_t cache_memory = std::size_t{256} << 20U;
    Limits limits;
    verdict::Actions delegation;
    Sandbox sandbox;
    log::Options log;

    friend bool operator==(const Config&, const Config&) = default;
};

// The store is shared by the nodes of a fleet; its URI is checked by fleet/server_location.h.
[[nodiscard]] inline bool has_shared_store(const Config& config) {
    return config.store != "sqlite";
}

inline constexpr std::string_view default_file = "/etc/postseal/postseal.toml";
inline constexpr std::string_view default_admin_socket = "/run/postseal/admin.sock";

// The file named; if none is, the default one if it is there, else empty.
[[nodiscard]] std::string configured_file(const std::string& named);
// An empty path: the defaults.
[[nodiscard]] std::expected<Config, Error> load(const std::string& path);
[[nodiscard]] std::expected<Config, Error> parse(std::string_view text, std::string file);

// Every key that may stand in the file, with its table: "state_dir", "listen.address", ...
[[nodiscard]] std::vector<std::string> known_keys();

} // namespace postseal::config
