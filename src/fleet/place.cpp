// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/place.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <memory>
#include <string_view>

namespace postseal::fleet {
namespace {

using Options = std::map<std::string, std::string>;

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

std::unexpected<std::string> no_uri(std::string_view why) {
    return std::unexpected(fmt::format("store: this is no connection URI of libpq: {}", why));
}

} // namespace

std::expected<Place, std::string> parse_place(const std::string& uri) {
    if (!uri.starts_with("postgresql://") && !uri.starts_with("postgres://"))
        return no_uri("it does not begin with postgresql://");
    const auto options = options_of(uri);
    if (!options) return no_uri(options.error());
    std::string host = value(*options, "host");
    if (host.empty()) host = value(*options, "hostaddr");
    const std::string user = value(*options, "user");
    std::string port = value(*options, "port");
    if (port.find_first_not_of(',') == std::string::npos) port.clear(); // several hosts, no ports
    Place place;
    place.shown = fmt::format("postgresql://{}{}{}{}{}/{}", user, user.empty() ? "" : "@", host,
                              port.empty() ? "" : ":", port, value(*options, "dbname"));
    place.shown = printable(place.shown, 200);
    for (const char* name : {"sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "passfile"})
        if (const std::string file = value(*options, name); file.starts_with('/'))
            place.files.push_back(file);
    return place;
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
