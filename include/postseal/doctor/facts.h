// doctor/facts.h: everything that the doctor judges by
//
// The shell fills it in (src/survey); examine() asks nothing else.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/nexthop.h"
#include "postseal/base/time.h"
#include "postseal/doctor/postconf.h"
#include "postseal/doctor/tables.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::doctor {

// postseal.toml, or what the daemon at work has; in the words of postseal.toml(5)
struct Settings {
    struct Listener {
        Endpoint endpoint;
        std::string protocol;
        std::vector<std::string> maps; // empty: all
        friend bool operator==(const Listener&, const Listener&) = default;
    };
    struct Map {
        std::string name;
        std::string form;
        friend bool operator==(const Map&, const Map&) = default;
    };
    std::vector<Listener> listeners;
    std::vector<Map> maps;
    std::string default_level = "may";
    bool postfix_dnssec = true;

    friend bool operator==(const Settings&, const Settings&) = default;
};

// Whether postseald, or the doctor in its place, can validate DNSSEC (dns/root_check.h).
struct Validation {
    std::string fault; // "trust-anchor", "stripped", "clock", "altered", "unreachable"; empty: none
    std::string reason;
    std::string fix;
    std::string servers = "authoritative"; // or "forwarders", "resolv.conf"
};

struct Daemon {
    Settings settings;
    std::string version;
    std::string unread;       // why its database cannot be read; empty: it can
    std::string degraded;     // why; empty: it is not
    std::string reload_error; // of the last reload; empty: it went well
};

// The user that smtp(8) runs as (mail_owner).
struct User {
    std::string name;
    std::string group;
    std::uint32_t uid = 0;
    std::vector<std::uint32_t> gids;
};

// A folder on the way to a unix socket, or the socket.
struct PathPart {
    std::string path;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0; // permissions only
};

// What became of a connection from here.
struct Reached {
    std::string fault;           // empty: it was accepted
    std::string real_path;       // of a unix socket; empty: it is not there
    std::vector<PathPart> parts; // from "/" to the socket
};

// What "postmap -q KEY TABLE" says of a table, for a key that none has.
struct Tried {
    std::string fault;          // its last words; empty: it can be looked up
    bool source_exists = false; // of an indexed file: the text that postmap(1) makes it from
};

// Of the root's SOA record.
struct Signature {
    WallTime inception;
    WallTime expiration;
};

struct NameServer {
    std::string address;
    std::string fault; // no answer, or one that does not say; empty: `ad` counts
    bool ad = false;
    std::optional<Signature> signature;
};

// One whose name servers are all where postseald asks none (dns.private_name_servers).
struct UnaskedZone {
    struct Server {
        std::string name;
        std::string address;
        std::string kind; // "private (RFC 1918)"
        friend bool operator==(const Server&, const Server&) = default;
    };
    std::string name;
    std::vector<Server> servers; // at least one

    [[nodiscard]] std::string text() const; // a clause that names zone and servers
    friend bool operator==(const UnaskedZone&, const UnaskedZone&) = default;
};

// The line of [dns] that lets the servers of `zones` be asked, and `configured` as before.
[[nodiscard]] std::string private_name_servers(const std::vector<UnaskedZone>& zones,
                                               std::vector<std::string> configured);

struct Facts {
    std::string configuration;    // the path of postseal.toml
    std::string postconf_command; // as a fix must call it: "postconf", "postconf -c DIR"
    std::string postconf_fault;   // not empty: `postconf` is void
    Postconf postconf;
    Settings settings;            // of the file
    std::string admin_fault;      // why the daemon did not say
    bool admin_forbidden = false; // it may run, but we may not ask
    std::optional<Daemon> daemon;
    std::optional<User> mail_owner;
    std::string real_queue_directory;
    std::map<std::string, Reached, std::less<>> reached;         // by Endpoint::text()
    std::map<std::string, Tried, std::less<>> tried;             // by Table::text, if tried
    std::map<std::string, std::string, std::less<>> authorities; // CA file or folder: its fault
    std::string configuration_fault; // of postseal.toml as it is on disk; empty: it is good
    std::string resolv_conf;
    bool resolv_conf_missing = false;
    std::vector<NameServer> name_servers;
    bool shared_store = false;            // a fleet has one
    std::string unverified_store;         // a host of it that could be anybody; empty: none
    std::string trust_anchor_fault;       // empty: all is well
    std::optional<Validation> validation; // nothing: not checked
    std::vector<UnaskedZone> unasked_zones;
    std::vector<std::string> private_name_servers; // as configured
    WallTime now;
    std::optional<WallTime> store_written;
};

// The daemon's where it runs.
[[nodiscard]] const Settings& in_force(const Facts& facts);

// Where a client's connection to `table` ends up in the machine's file system: the path of a unix
// socket is below the queue directory if it is relative or the client is in the chroot.
[[nodiscard]] Endpoint seen_from_outside(const Table& table, const Client& client,
                                         const Postconf& postconf);

// The listener that `table` leads to; null: none of ours. A unix socket that the chroot hides
// counts, too.
[[nodiscard]] const Settings::Listener* listener_of(const Table& table, const Client& client,
                                                    const Facts& facts);

// What must be known of before examine().
[[nodiscard]] std::vector<Endpoint> endpoints_to_reach(const Facts& facts); // of this machine
[[nodiscard]] std::vector<Table> tables_to_try(const Postconf& postconf);
[[nodiscard]] std::vector<std::string> authorities_to_read(const Postconf& postconf);
// Of Postfix's own domains and of its relayhost.
[[nodiscard]] std::vector<Nexthop> destinations_to_look_up(const Postconf& postconf);
[[nodiscard]] bool any_chrooted(const Postconf& postconf);

// The addresses that libresolv takes from resolv.conf(5): the first three, else this machine.
[[nodiscard]] std::vector<std::string> name_servers_of(std::string_view resolv_conf);

} // namespace postseal::doctor
