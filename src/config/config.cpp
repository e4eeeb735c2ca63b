// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include "config/file.h"
#include "config/reader.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace postseal::config {
namespace {

using namespace std::chrono_literals;

std::vector<Map> built_in_maps() {
    using verdict::Form;
    return {
        {"postfix", {.form = Form::legacy, .match = {}, .no_policy = {}}},
        {"QUERY", {.form = Form::legacy, .match = {}, .no_policy = {}}},
        {"tlsrpt", {.form = Form::tlsrpt, .match = {}, .no_policy = {}}},
        {"QUERYwithTLSRPT", {.form = Form::tlsrpt, .match = {}, .no_policy = {}}},
    };
}

std::optional<Protocol> parse_protocol(std::string_view word) {
    if (word == "socketmap") return Protocol::socketmap;
    if (word == "admin") return Protocol::admin;
    return std::nullopt;
}

std::optional<LogLevel> parse_level(std::string_view word) {
    for (const auto level : {LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug})
        if (word == to_string(level)) return level;
    return std::nullopt;
}

std::optional<LogFormat> parse_format(std::string_view word) {
    if (word == "text") return LogFormat::text;
    if (word == "json") return LogFormat::json;
    return std::nullopt;
}

std::optional<unsigned> parse_mode(std::string_view word) {
    unsigned mode = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), mode, 8);
    if (fault != std::errc{} || end != word.data() + word.size() || mode > 0777)
        return std::nullopt;
    return mode;
}

Listen read_listen(Reading& reading, const toml::table* table) {
    Reader in(reading, table, "listen");
    Listen listen;
    std::string address;
    in.text("address", address);
    in.word<Protocol>("protocol", listen.protocol, parse_protocol, "\"socketmap\", \"admin\"");
    in.texts("maps", listen.maps);
    in.text("owner", listen.owner);
    in.text("group", listen.group);
    in.word<unsigned>("mode", listen.mode, parse_mode, "the octal modes, such as \"0660\"");
    in.finish();
    if (table == nullptr) return listen;
    if (auto parsed = parse_address(address))
        listen.address = std::move(*parsed);
    else
        in.fail(in.node("address"), "address", parsed.error());
    if (listen.protocol == Protocol::admin && !listen.address.is_unix())
        in.fail(
            in.node("address"), "address",
            "the admin protocol is for a unix socket only, whose file mode says who may use it: "
            "write \"unix:PATH\"");
    if (listen.protocol == Protocol::admin && !listen.maps.empty())
        in.fail(in.node("maps"), "maps", "an admin listener has no maps: leave the key out");
    for (const auto* key : {"owner", "group", "mode"})
        if (!listen.address.is_unix() && table->contains(key))
            in.fail(in.node(key), key, "is for unix sockets only: leave the key out");
    return listen;
}

void check_no_policy(Reader& in, const Map& map) {
    constexpr std::string_view levels[] = {"none", "may", "encrypt", "dane", "dane-only"};
    if (map.reply.no_policy.empty() ||
        std::ranges::find(levels, map.reply.no_policy) != std::end(levels))
        return;
    in.fail(in.node("no_policy"), "no_policy",
            fmt::format(
                "\"{}\" is neither \"notfound\" nor a level that needs no more words: \"none\", "
                "\"may\", \"encrypt\", \"dane\", \"dane-only\"",
                map.reply.no_policy));
}

void read_map(Reading& reading, const toml::table* table, std::vector<Map>& maps) {
    Reader in(reading, table, "map");
    std::string name;
    in.text("name", name);
    const auto known = std::ranges::find(maps, name, &Map::name);
    Map map = known != maps.end() ? *known : Map{name, {}};
    std::string no_policy = map.reply.no_policy;
    in.word<verdict::Form>("form", map.reply.form, verdict::parse_form, "\"legacy\", \"tlsrpt\"");
    in.text("no_policy", no_policy);
    in.word<verdict::Match>("match", map.reply.match, verdict::parse_match, "\"patterns\", \"mx\"");
    in.finish();
    if (table == nullptr) return;
    map.reply.no_policy = no_policy == "notfound" ? "" : no_policy;
    check_no_policy(in, map);
    if (name.empty() || name.find_first_of(" \t\r\n:") != std::string::npos)
        in.fail(in.node("name"), "name", "every [[map]] needs a name without blanks and colons");
    if (known != maps.end())
        *known = std::move(map);
    else
        maps.push_back(std::move(map));
}

void read_verdict(Reading& reading, const toml::table* table, Config& config) {
    Reader in(reading, table, "verdict");
    in.word<verdict::Mixed>("mixed", config.verdict.mixed, verdict::parse_mixed,
                            "\"mta-sts\", \"dane-only\", \"dane\"");
    in.flag("postfix_dnssec", config.verdict.postfix_dnssec);
    in.word<verdict::DefaultLevel>("default_level", config.verdict.default_level,
                                   verdict::parse_default_level,
                                   "Postfix's levels: \"none\", \"may\", \"encrypt\", \"dane\", "
                                   "\"dane-only\", \"fingerprint\", \"verify\", \"secure\"");
    in.text("overrides", config.overrides);
    in.finish();
}

void read_dns(Reading& reading, const toml::table* table, Dns& dns) {
    Reader in(reading, table, "dns");
    in.texts("trust_anchor", dns.trust_anchor);
    in.text("root_hints", dns.root_hints);
    in.texts("forward", dns.forward);
    in.texts("stub", dns.stub);
    in.text("unbound_conf", dns.unbound_conf);
    in.duration("timeout", dns.timeout, 100ms, 1min);
    in.finish();
}

void read_https(Reading& reading, const toml::table* table, Https& https) {
    Reader in(reading, table, "https");
    in.text("ca_file", https.ca_file);
    in.flag("allow_private", https.allow_private);
    in.duration("timeout", https.timeout, 1s, 1min);
    in.finish();
}

void read_limits(Reading& reading, const toml::table* table, Limits& limits) {
    Reader in(reading, table, "limits");
    in.number("connections", limits.connections, 1, 1'000'000);
    in.number("lookups", limits.lookups, 1, 100'000);
    // Postfix gives up on a socketmap after 100 s.
    in.duration("deadline", limits.deadline, 100ms, 90s);
    in.finish();
}

void read_log(Reading& reading, const toml::table* table, Log& log) {
    Reader in(reading, table, "log");
    in.word<LogLevel>("level", log.level, parse_level,
                      "\"error\", \"warning\", \"info\", \"debug\"");
    in.word<LogFormat>("format", log.format, parse_format, "\"text\", \"json\"");
    in.finish();
}

// Keys of which this version knows one value only.
void read_fixed(Reader& in) {
    std::string store = "sqlite";
    std::size_t threads = 1;
    in.text("store", store);
    if (store != "sqlite") in.fail(in.node("store"), "store", "this version has \"sqlite\" only");
    in.number("threads", threads, 1, 1);
}

void check_maps(Reading& reading, const Config& config,
                const std::vector<const toml::table*>& where) {
    for (std::size_t i = 0; i < config.listen.size() && i < where.size(); i++)
        for (const std::string& name : config.listen[i].maps)
            if (std::ranges::find(config.maps, name, &Map::name) == config.maps.end())
                reading.fail(
                    where[i]->get("maps"), "listen.maps",
                    fmt::format("there is no map \"{}\": add a [[map]] with that name", name));
}

Config read(Reading& reading, const toml::table* root) {
    Config config;
    Reader in(reading, root, "");
    in.text("state_dir", config.state_dir);
    in.text("user", config.user);
    read_fixed(in);
    const auto listens = in.tables("listen");
    for (const toml::table* table : listens)
        config.listen.push_back(read_listen(reading, table));
    if (listens.empty()) read_listen(reading, nullptr); // names its keys
    config.maps = built_in_maps();
    const auto maps = in.tables("map");
    for (const toml::table* table : maps)
        read_map(reading, table, config.maps);
    if (maps.empty()) read_map(reading, nullptr, config.maps);
    read_verdict(reading, in.table("verdict"), config);
    read_dns(reading, in.table("dns"), config.dns);
    read_https(reading, in.table("https"), config.https);
    Reader cache(reading, in.table("cache"), "cache");
    cache.size("memory", config.cache_memory, 1U << 20U);
    cache.finish();
    read_limits(reading, in.table("limits"), config.limits);
    read_log(reading, in.table("log"), config.log);
    in.finish();
    check_maps(reading, config, listens);
    if (config.listen.empty()) {
        config.listen.push_back(Listen{.address = {"127.0.0.1", 8461, {}}});
        config.listen.push_back(Listen{.address = {{}, 0, std::string(default_admin_socket)},
                                       .protocol = Protocol::admin});
    }
    return config;
}

} // namespace

std::string Error::message() const {
    std::string out = file;
    if (line != 0) out += fmt::format(":{}", line);
    if (!key.empty()) out += ": " + key;
    return out + ": " + text;
}

std::string_view to_string(Protocol protocol) {
    switch (protocol) {
    case Protocol::socketmap:
        return "socketmap";
    case Protocol::admin:
        return "admin";
    }
    return "";
}

std::string_view to_string(LogLevel level) {
    switch (level) {
    case LogLevel::error:
        return "error";
    case LogLevel::warning:
        return "warning";
    case LogLevel::info:
        return "info";
    case LogLevel::debug:
        return "debug";
    }
    return "";
}

std::string Address::text() const {
    if (is_unix()) return "unix:" + path;
    if (host.find(':') != std::string::npos) return fmt::format("inet:[{}]:{}", host, port);
    return fmt::format("inet:{}:{}", host, port);
}

std::expected<Address, std::string> parse_address(std::string_view text) {
    const auto wrong = [&] {
        return std::unexpected(fmt::format("\"{}\" is no address: write \"inet:HOST:PORT\", "
                                           "\"inet:[IPv6]:PORT\" or \"unix:PATH\"",
                                           text));
    };
    if (text.starts_with("unix:")) {
        Address address{{}, 0, std::string(text.substr(5))};
        if (address.path.empty()) return wrong();
        if (address.path.size() > 107)
            return std::unexpected(
                fmt::format("\"{}\": the path of a unix socket has at most 107 octets", text));
        return address;
    }
    if (!text.starts_with("inet:")) return wrong();
    std::string_view rest = text.substr(5);
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    Address address;
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (fault != std::errc{} || end != port.data() + port.size() || address.port == 0)
        return wrong();
    std::string_view host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return wrong();
    if (host.empty()) return wrong();
    address.host = host;
    return address;
}

std::expected<Config, Error> parse(std::string_view text, std::string file) {
    Reading reading{.file = std::move(file), .error = {}, .known = {}};
    try {
        const toml::table root = toml::parse(text, reading.file);
        Config config = read(reading, &root);
        if (reading.error) return std::unexpected(*reading.error);
        return config;
    } catch (const toml::parse_error& fault) {
        return std::unexpected(Error{reading.file, fault.source().begin.line, "",
                                     printable(fault.description(), 300)});
    }
}

std::expected<Config, Error> load(const std::string& path) {
    const auto text = read_file(path);
    if (!text)
        return std::unexpected(
            Error{path, 0, "", fmt::format("cannot be read: {}", text.error().message())});
    return parse(*text, path);
}

std::vector<std::string> known_keys() {
    Reading reading;
    read(reading, nullptr);
    return reading.known;
}

} // namespace postseal::config
