// doctor/tables.h: a list of lookup tables, as in smtp_tls_policy_maps (postconf(5),
// socketmap_table(5))
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postseal::doctor {

// Of a socket: host and port, or the path of a unix socket.
struct Endpoint {
    std::string host;
    std::string port;
    std::string path;

    [[nodiscard]] bool is_unix() const { return !path.empty(); }
    // "inet:HOST:PORT", "unix:PATH"; empty: no endpoint
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "inet:HOST:PORT", "inet:[V6]:PORT", "unix:PATH"; an empty one where it is neither.
[[nodiscard]] Endpoint parse_endpoint(std::string_view text);

struct Table {
    enum class Type { socketmap, tcp, other };
    Type type = Type::other;
    std::string text; // as written, with "proxy:"
    bool proxied = false;
    bool joined = false; // in a unionmap or pipemap, which fails as a whole
    Endpoint endpoint;   // socketmap, tcp; empty where Postfix cannot read it
    std::string map;     // socketmap
    std::string kind;    // other: "hash", "inline", ...
    std::string file;    // other: what follows the kind, if it is a path

    friend bool operator==(const Table&, const Table&) = default;
};

// In order; what stands inside of unionmap:{} and pipemap:{} counts as if it stood outside.
[[nodiscard]] std::vector<Table> parse_tables(std::string_view list);

// Why "postmap -q" gets no answer, from what it writes to standard error: the text of its last line
// at level fatal or panic (msg(3)). Empty: it got one; a warning, as of a repeated line of main.cf,
// is not a failure.
[[nodiscard]] std::string postmap_fault(std::string_view complaints);

} // namespace postseal::doctor
