// doctor/postconf.h: what postconf(1) says of Postfix's configuration, as one value
//
// From the text of five calls: postconf -x (every parameter, expanded), postconf -n (those that
// main.cf names, as written), postconf -d (the defaults, as written), postconf -M (the services of
// master.cf), postconf -P -x (their -o options). Postfix of any version writes them; a parameter
// that it does not know is not there.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::doctor {

using Parameters = std::map<std::string, std::string, std::less<>>;

struct Version {
    int major = 0;
    int minor = 0;
    int patch = 0;

    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const Version&, const Version&) = default;
};

// "3.7.11", "3.12-20260801"; nothing that begins so: 0.0.0
[[nodiscard]] Version parse_version(std::string_view text);

// A service of master.cf that sends mail: its command is smtp(8).
struct Client {
    std::string service = "smtp/unix"; // as postconf -P names it
    bool chrooted = false;
    bool privileged = false; // runs as root
    Parameters overrides;    // -o, expanded

    friend bool operator==(const Client&, const Client&) = default;
};

struct Postconf {
    Version version;
    Parameters parameters;       // expanded
    Parameters named;            // in main.cf, as written
    Parameters defaults;         // as written
    std::vector<Client> clients; // at least one

    // As this client has it; empty: so, or unknown to this Postfix.
    [[nodiscard]] std::string_view value(const Client& client, std::string_view name) const;
    [[nodiscard]] std::string_view value(std::string_view name) const;
};

// smtp_tls_security_level, or what the two parameters of Postfix 2.2 say where it is empty.
[[nodiscard]] std::string level_of(const Postconf& postconf, const Client& client);
// smtp_tls_dane_insecure_mx_policy, whose default may go by that level (3.7); empty: this Postfix
// has none.
[[nodiscard]] std::string insecure_mx_policy(const Postconf& postconf, const Client& client);

struct PostconfTexts {
    std::string expanded; // postconf -x
    std::string named;    // postconf -n
    std::string defaults; // postconf -d
    std::string services; // postconf -M
    std::string options;  // postconf -P -x
};

// Errors: why it is not an output of postconf. Where master.cf has no smtp(8), its default is
// assumed.
[[nodiscard]] std::expected<Postconf, std::string> parse_postconf(const PostconfTexts& texts);

} // namespace postseal::doctor
