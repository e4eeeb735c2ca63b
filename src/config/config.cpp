// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include "config/faults.h"
#include "config/file.h"
#include "config/reader.h"
#include "postseal/base/names.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <tuple>

namespace postseal::config {
namespace {

constexpr std::size_t max_threads = 64;

using namespace std::chrono_literals;

std::vector<Map> built_in_maps(const verdict::Options& verdict) {
    using verdict::Form;
    const auto map = [&](std::string name, Form form) {
        return Map{std::move(name),
                   {.form = form, .no_policy = {}, .default_level = verdict.default_level},
                   verdict};
    };
    return {
        map("postfix", Form::legacy),        map("QUERY", Form::legacy),
        map("tlsrpt", Form::tlsrpt),         map("QUERYwithTLSRPT", Form::tlsrpt),
        map("requiretls", Form::requiretls),
    };
}

std::optional<unsigned> parse_mode(std::string_view word) {
    unsigned mode = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), mode, 8);
    if (fault != std::errc{} || end != word.data() + word.size() || mode > 0777)
        return std::nullopt;
    return mode;
}

// Who still needs a connection, and for how long.
struct Patience {
    milliseconds least;
    std::string_view why;
};

Patience patience_of(Protocol protocol) {
    switch (protocol) {
    case Protocol::socketmap:
        return {100s, "a Postfix keeps a socketmap connection for 100 s"};
    case Protocol::tcp_table:
        return {100s, "a Postfix pays a second for each tcp_table connection that it finds closed"};
    case Protocol::delegation:
        return {300s, "a Postfix keeps an idle delegation connection for 300 s"};
    case Protocol::admin:
    case Protocol::http:
        break;
    }
    return {1s, ""};
}

void read_idle(Reader& in, Listen& listen) {
    std::optional<milliseconds> idle;
    if (milliseconds written{0}; in.duration("idle", written, 1s, 24h)) idle = written;
    const auto [least, why] = patience_of(listen.protocol);
    if (idle && *idle < least)
        in.fail(in.node("idle"), "idle",
                fmt::format("{}: write at least \"{}s\", or leave the key out", why,
                            std::chrono::duration_cast<seconds>(least).count()));
    listen.idle = idle.value_or(default_idle(listen.protocol));
}

void check_listen_maps(Reader& in, Listen& listen) {
    const bool has_maps =
        listen.protocol == Protocol::socketmap || listen.protocol == Protocol::tcp_table;
    if (!has_maps && !listen.maps.empty())
        in.fail(in.node("maps"), "maps",
                fmt::format("a listener for {} has no maps: leave the key out",
                            to_string(listen.protocol)));
    if (listen.protocol != Protocol::tcp_table) return;
    if (listen.maps.size() > 1)
        in.fail(in.node("maps"), "maps",
                "a tcp_table request names no map, so its listener has one: name one, and add a "
                "[[listen]] for each other");
    if (listen.maps.empty()) listen.maps.emplace_back("postfix");
}

// What a Host field may say, as http/request.h gives it.
void read_hosts(Reader& in, Listen& listen) {
    in.texts("hosts", listen.hosts);
    if (listen.protocol != Protocol::http && !listen.hosts.empty())
        in.fail(in.node("hosts"), "hosts", "is for http listeners only: leave the key out");
    for (std::string& host : listen.hosts) {
        host = lower_ascii(host);
        if (host.empty() || host.find_first_of(":/ \t") != std::string::npos)
            in.fail(in.node("hosts"), "hosts",
                    fmt::format(
                        "\"{}\" is not a host name: write the name alone, without scheme and port",
                        host));
    }
}

// Admin and http have a limit of their own.
bool shares_limit(const Listen& listen) {
    return listen.protocol != Protocol::admin && listen.protocol != Protocol::http;
}

void read_places(Reader& in, Listen& listen, std::optional<std::size_t>& places) {
    constexpr std::size_t missing = std::numeric_limits<std::size_t>::max();
    std::size_t number = missing;
    in.number("connections", number, 0, 1'000'000);
    if (number == missing) return;
    places = number;
    if (!shares_limit(listen))
        in.fail(in.node("connections"), "connections",
                fmt::format("a listener for {} has a limit of its own: leave the key out",
                            to_string(listen.protocol)));
}

// Half of the places that no listener is given by the file are shared out in equal parts, so that
// nobody who takes all that one listener can have keeps clients from another.
void share_places(Reader& in, const Limits& limits, std::vector<Listen>& listen,
                  const std::vector<std::optional<std::size_t>>& named) {
    std::size_t given = 0;
    std::size_t others = 0;
    for (std::size_t i = 0; i < listen.size(); i++) {
        if (!shares_limit(listen[i])) continue;
        listen[i].connections = named[i].value_or(0);
        given += listen[i].connections;
        if (!named[i]) others++;
    }
    if (given > limits.connections)
        in.fail(in.node("connections"), "connections",
                fmt::format("is {}, but the listeners' own places (listen.connections) are {}: "
                            "raise it, or give them fewer",
                            limits.connections, given));
    else if (others > 0)
        for (std::size_t i = 0; i < listen.size(); i++)
            if (shares_limit(listen[i]) && !named[i])
                listen[i].connections = (limits.connections - given) / 2 / others;
}

Listen read_listen(Reading& reading, const toml::table* table, std::optional<std::size_t>& places) {
    Reader in(reading, table, "listen");
    Listen listen;
    std::string address;
    in.text("address", address);
    in.word("protocol", listen.protocol, protocol_names);
    in.texts("maps", listen.maps);
    read_hosts(in, listen);
    read_idle(in, listen);
    read_places(in, listen, places);
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
    check_listen_maps(in, listen);
    for (const auto* key : {"owner", "group", "mode"})
        if (!listen.address.is_unix() && table->contains(key))
            in.fail(in.node(key), key, "is for unix sockets only: leave the key out");
    return listen;
}

void read_mixed(Reader& in, verdict::Options& options) {
    in.word("mixed", options.mixed, verdict::mixed_names);
}

// requiretls has words of its own for all that these keys are about.
void check_requiretls(Reader& in, const Map& map) {
    if (map.reply.form != verdict::Form::requiretls) return;
    if (!map.reply.no_policy.empty())
        in.fail(in.node("no_policy"), "no_policy",
                "is not for form \"requiretls\": leave the key out");
    if (map.reply.match != verdict::Match::patterns)
        in.fail(in.node("match"), "match", "is not for form \"requiretls\": leave the key out");
}

// A level takes the place of main.cf's, so it must not be weaker.
void check_no_policy(Reader& in, const Map& map) {
    constexpr std::string_view levels[] = {"none", "may", "encrypt", "dane", "dane-only"};
    const std::string& said = map.reply.no_policy;
    if (said.empty()) return;
    const auto level = verdict::default_level_names.find(said);
    if (!level || std::ranges::find(levels, said) == std::end(levels)) {
        in.fail(in.node("no_policy"), "no_policy",
                fmt::format("\"{}\" is neither \"notfound\" nor a level that needs no more words: "
                            "\"none\", \"may\", \"encrypt\", \"dane\", \"dane-only\"",
                            said));
        return;
    }
    const verdict::DefaultLevel least = map.reply.default_level;
    if (!is_weaker(*level, least)) return;
    in.fail(
        in.node("no_policy"), "no_policy",
        fmt::format("\"{}\" is weaker than verdict.default_level = \"{}\": write \"notfound\", so "
                    "that main.cf's level applies, or a stronger level, or correct "
                    "default_level, which repeats smtp_tls_security_level",
                    said, to_string(least)));
}

// Clients may write a map's name in any case, so it would not say which of two is meant.
void check_case(Reader& in, const std::string& name, const std::vector<Map>& maps) {
    for (const Map& other : maps)
        if (other.name != name && equals_ignoring_case(other.name, name))
            in.fail(in.node("name"), "name",
                    fmt::format("\"{}\" differs from the map \"{}\" in case only: write \"{}\" to "
                                "change that map, or another name",
                                name, other.name, other.name));
}

void read_map(Reading& reading, const toml::table* table, const verdict::Options& verdict,
              std::vector<Map>& maps) {
    Reader in(reading, table, "map");
    std::string name;
    in.text("name", name);
    const auto known = std::ranges::find(maps, name, &Map::name);
    Map map = known != maps.end() ? *known : Map{name, {}, verdict};
    map.reply.default_level = verdict.default_level;
    std::string no_policy = map.reply.no_policy;
    in.word("form", map.reply.form, verdict::form_names);
    in.text("no_policy", no_policy);
    in.word("match", map.reply.match, verdict::match_words);
    read_mixed(in, map.verdict);
    in.flag("postfix_dnssec", map.verdict.postfix_dnssec);
    in.word("testing", map.verdict.testing, verdict::testing_names);
    in.finish();
    if (table == nullptr) return;
    map.reply.no_policy = no_policy == "notfound" ? "" : no_policy;
    check_requiretls(in, map);
    check_no_policy(in, map);
    if (name.empty() || name.find_first_of(" \t\r\n:") != std::string::npos)
        in.fail(in.node("name"), "name", "every [[map]] needs a name without blanks and colons");
    check_case(in, name, maps);
    if (known != maps.end())
        *known = std::move(map);
    else
        maps.push_back(std::move(map));
}

void read_verdict(Reading& reading, const toml::table* table, Config& config) {
    Reader in(reading, table, "verdict");
    read_mixed(in, config.verdict);
    in.flag("postfix_dnssec", config.verdict.postfix_dnssec);
    in.word("default_level", config.verdict.default_level, verdict::default_level_names,
            "Postfix's levels: ");
    const auto if_unknown = [&](const char* key, verdict::IfUnknown& what) {
        in.word(key, what, verdict::if_unknown_names);
    };
    if_unknown("without_store", config.verdict.without_store);
    if_unknown("untried_policy", config.verdict.untried_policy);
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
    in.texts("private_name_servers", dns.private_name_servers);
    in.flag("qname_minimisation", dns.qname_minimisation);
    in.duration("timeout", dns.timeout, 100ms, 1min);
    in.finish();
}

void read_https(Reading& reading, const toml::table* table, Https& https) {
    Reader in(reading, table, "https");
    in.text("ca_file", https.ca_file);
    in.flag("allow_private", https.allow_private);
    in.duration("timeout", https.timeout, 1s, 1min);
    in.number("per_address", https.per_address, 1, 1000);
    in.finish();
}

void read_limits(Reading& reading, const toml::table* table, Limits& limits,
                 std::vector<Listen>& listen,
                 const std::vector<std::optional<std::size_t>>& places) {
    Reader in(reading, table, "limits");
    in.number("connections", limits.connections, 1, 1'000'000);
    in.number("lookups", limits.lookups, 1, 100'000);
    // Postfix gives up on a socketmap after 100 s.
    in.duration("deadline", limits.deadline, 100ms, 90s);
    in.size("reply_memory", limits.reply_memory, 1U << 20U);
    share_places(in, limits, listen, places);
    in.finish();
}

void read_delegation(Reading& reading, const toml::table* table, verdict::Actions& actions) {
    using verdict::Class;
    Reader in(reading, table, "delegation");
    for (const Class cls :
         {Class::dane, Class::enforce, Class::may, Class::override_, Class::tempfail}) {
        const std::string_view key = to_string(cls);
        in.text(key, actions.of(cls));
        if (const auto fault = verdict::action_fault(actions.of(cls)))
            in.fail(in.node(key), key, *fault);
    }
    in.finish();
}

void read_sandbox(Reading& reading, const toml::table* table, Sandbox& sandbox) {
    Reader in(reading, table, "sandbox");
    in.flag("enabled", sandbox.enabled);
    for (const auto& [key, paths] : {std::pair("read", &sandbox.read), {"write", &sandbox.write}}) {
        in.texts(key, *paths);
        for (const std::string& path : *paths)
            if (!path.starts_with('/'))
                in.fail(in.node(key), key,
                        fmt::format("\"{}\" is not an absolute path: write \"/FOLDER\"", path));
    }
    in.finish();
}

void read_log(Reading& reading, const toml::table* table, log::Options& log) {
    Reader in(reading, table, "log");
    in.word("level", log.level, log::level_names);
    in.word("format", log.format, log::format_names);
    in.finish();
}

// A mistyped URI may hold a password, too.
void read_store(Reader& in, Config& config) {
    in.text("store", config.store);
    const bool is_uri =
        config.store.starts_with("postgresql://") || config.store.starts_with("postgres://");
    if (config.store != "sqlite" && !is_uri)
        in.fail(in.node("store"), "store",
                "is neither \"sqlite\" nor a URI such as "
                "\"postgresql://USER@HOST/DATABASE?sslmode=verify-full\"");
}

void check_maps(Reading& reading, const Config& config,
                const std::vector<const toml::table*>& where) {
    for (std::size_t i = 0; i < config.listen.size() && i < where.size(); i++)
        for (const std::string& name : config.listen[i].maps)
            if (std::ranges::none_of(config.maps, [&name](const Map& map) {
                    return equals_ignoring_case(map.name, name);
                }))
                reading.fail(
                    where[i]->get("maps"), "listen.maps",
                    fmt::format("there is no map \"{}\": add a [[map]] with that name", name));
}

Config read(Reading& reading, const toml::table* root) {
    Config config;
    Reader in(reading, root, "");
    in.text("state_dir", config.state_dir);
    in.text("user", config.user);
    read_store(in, config);
    in.number("threads", config.threads, 1, max_threads);
    const auto listens = in.tables("listen");
    std::vector<std::optional<std::size_t>> places;
    for (const toml::table* table : listens)
        config.listen.push_back(read_listen(reading, table, places.emplace_back()));
    if (listens.empty()) { // names its keys
        std::optional<std::size_t> none;
        read_listen(reading, nullptr, none);
    }
    read_verdict(reading, in.table("verdict"), config);
    config.maps = built_in_maps(config.verdict);
    const auto maps = in.tables("map");
    for (const toml::table* table : maps)
        read_map(reading, table, config.verdict, config.maps);
    if (maps.empty()) read_map(reading, nullptr, config.verdict, config.maps);
    read_dns(reading, in.table("dns"), config.dns);
    read_https(reading, in.table("https"), config.https);
    Reader cache(reading, in.table("cache"), "cache");
    cache.size("memory", config.cache_memory, 1U << 20U);
    cache.finish();
    read_limits(reading, in.table("limits"), config.limits, config.listen, places);
    read_delegation(reading, in.table("delegation"), config.delegation);
    read_sandbox(reading, in.table("sandbox"), config.sandbox);
    read_log(reading, in.table("log"), config.log);
    in.finish();
    check_maps(reading, config, listens);
    if (config.listen.empty()) {
        config.listen.push_back(Listen{.address = {"127.0.0.1", 8461, {}},
                                       .connections = config.limits.connections / 2});
        config.listen.push_back(Listen{.address = {{}, 0, std::string(default_admin_socket)},
                                       .protocol = Protocol::admin,
                                       .idle = default_idle(Protocol::admin)});
    }
    return config;
}

// A value that is a word without quotes, which TOML does not have: KEY = WORD.
std::optional<Error> bare_word(std::string_view text, std::size_t number) {
    for (std::size_t i = 1; i < number; i++)
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    const auto line = text.substr(0, text.find('\n'));
    const auto sign = line.find('=');
    if (sign == std::string_view::npos) return std::nullopt;
    const auto key = trim(line.substr(0, sign));
    const auto word = trim(line.substr(sign + 1, line.find('#') - sign - 1));
    const auto in_word = [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == ':';
    };
    if (key.empty() || word.empty() || is_digit(word.front()) ||
        !std::ranges::all_of(word, in_word))
        return std::nullopt;
    return Error{
        {}, 0, std::string(key), fmt::format("write the value in quotes: {} = \"{}\"", key, word)};
}

} // namespace

std::string Error::message() const {
    std::string out = file;
    if (line != 0) out += fmt::format(":{}", line);
    if (!key.empty()) out += ": " + key;
    return out + ": " + text;
}

std::string_view to_string(Protocol protocol) { return protocol_names[protocol]; }

milliseconds default_idle(Protocol protocol) {
    switch (protocol) {
    case Protocol::socketmap:
        return 120s;
    case Protocol::tcp_table:
        return 15min;
    case Protocol::delegation:
        return 30min;
    case Protocol::admin:
        return 10min;
    case Protocol::http:
        return 90s;
    }
    return 120s;
}

std::string Address::text() const {
    if (is_unix()) return "unix:" + path;
    if (host.find(':') != std::string::npos) return fmt::format("inet:[{}]:{}", host, port);
    return fmt::format("inet:{}:{}", host, port);
}

std::expected<Address, std::string> parse_address(std::string_view text) {
    const auto wrong = [&] {
        return std::unexpected(fmt::format("\"{}\" is not an address: write \"inet:HOST:PORT\", "
                                           "\"inet:[IPv6]:PORT\" or \"unix:PATH\"",
                                           text));
    };
    if (text.starts_with("unix:")) {
        Address address{{}, 0, std::string(text.substr(5))};
        if (address.path.empty()) return wrong();
        if (address.path.size() > 107)
            return std::unexpected(
                fmt::format("\"{}\": the path of a unix socket can have at most 107 bytes", text));
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

Faults faults_of(std::string_view text, std::string file) {
    Reading reading{.file = std::move(file), .errors = {}, .known = {}, .lines = {}};
    try {
        const toml::table root = toml::parse(text, reading.file);
        Config config = read(reading, &root);
        std::ranges::sort(reading.errors, {},
                          [](const Error& error) { return std::tie(error.line, error.key); });
        return {std::move(config), std::move(reading.errors), std::move(reading.lines)};
    } catch (const toml::parse_error& fault) {
        const std::size_t line = fault.source().begin.line;
        Error error =
            bare_word(text, line).value_or(Error{{}, 0, "", printable(fault.description(), 300)});
        error.file = reading.file;
        error.line = line;
        return {Config{}, {std::move(error)}, {}};
    }
}

Faults faults(const std::string& path) {
    if (path.empty()) return faults_of("", std::string(default_file));
    const auto text = read_file(path);
    if (!text)
        return {Config{},
                {Error{path, 0, "", fmt::format("cannot be read: {}", text.error().message())}},
                {}};
    return faults_of(*text, path);
}

std::size_t Faults::line_of(std::string_view key, std::size_t index) const {
    const auto found = lines.find(key);
    return found != lines.end() && index < found->second.size() ? found->second[index] : 0;
}

std::expected<Config, Error> parse(std::string_view text, std::string file) {
    Faults all = faults_of(text, std::move(file));
    if (!all.errors.empty()) return std::unexpected(std::move(all.errors.front()));
    return std::move(all.config);
}

std::string configured_file(const std::string& named) {
    std::error_code ignored;
    if (!named.empty() || !std::filesystem::exists(default_file, ignored)) return named;
    return std::string(default_file);
}

std::expected<Config, Error> load(const std::string& path) {
    Faults all = faults(path);
    if (!all.errors.empty()) return std::unexpected(std::move(all.errors.front()));
    return std::move(all.config);
}

std::vector<std::string> known_keys() {
    Reading reading;
    read(reading, nullptr);
    return reading.known;
}

} // namespace postseal::config
