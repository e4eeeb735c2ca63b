// SPDX-License-Identifier: BSD-3-Clause
#include "cli/postfix_here.h"

#include "serve/configuration_json.h"
#include "survey/files.h"
#include "survey/postfix.h"
#include "survey/tables.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postseal::cli {
namespace {

constexpr doctor::Version with_attributes{.major = 3, .minor = 10, .patch = 0};
constexpr std::string_view sts_patterns = "smtp_tls_enforce_sts_mx_patterns";

// The service of default_transport, which mail goes by unless transport_maps say otherwise.
const doctor::Client& usual_client(const doctor::Postconf& postconf) {
    const std::string_view transport = postconf.value("default_transport");
    const std::string service = fmt::format("{}/unix", transport.substr(0, transport.find(':')));
    const auto found = std::ranges::find(postconf.clients, service, &doctor::Client::service);
    return found == postconf.clients.end() ? postconf.clients.front() : *found;
}

std::size_t number_in(std::string_view text, std::size_t preset) {
    std::size_t value = preset;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

delivery::Smtp smtp_of(const doctor::Postconf& postconf, const doctor::Client& client) {
    return {.level = doctor::level_of(postconf, client),
            .dane_by_insecure_mx = doctor::insecure_mx_policy(postconf, client) == "dane",
            .checks_sts_patterns = postconf.value(client, sts_patterns) == "yes",
            .address_limit = number_in(postconf.value(client, "smtp_mx_address_limit"), 5),
            .no_tls = {}};
}

// The listeners, as the doctor knows them.
doctor::Settings settings_of(const config::Config& config) {
    doctor::Settings out;
    const Json json = serve::configuration_json(config);
    for (const Json& listener : json.value("listeners", Json::array()))
        out.listeners.push_back({doctor::parse_endpoint(listener.value("address", "")),
                                 listener.value("protocol", ""),
                                 listener.value("maps", std::vector<std::string>())});
    return out;
}

// "a.b.example", ".b.example", ".example": what smtp(8) asks for one after another.
std::vector<std::string> asked_keys(const std::string& key) {
    std::vector<std::string> out{key};
    if (key.contains('[') || key.contains(':')) return out;
    for (auto dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1))
        out.push_back(key.substr(dot));
    return out;
}

verdict::Reply temporary_failure(std::string why) {
    return {.kind = verdict::Reply::Kind::temp, .text = std::move(why), .defect = {}};
}

} // namespace

std::vector<Option> postfix_options(PostfixOptions& options) {
    return {{.letter = "p",
             .name = "postconf",
             .value = "PROGRAM",
             .help = "the postconf of your Postfix (default: postconf)",
             .target = &options.postconf,
             .values = {Values::Kind::program, {}}},
            {.letter = "f",
             .name = "postfix-config",
             .value = "FOLDER",
             .help = "folder of main.cf (default: Postfix's own)",
             .target = &options.folder,
             .values = {Values::Kind::folder, {}}},
            {.letter = "r",
             .name = "resolv-conf",
             .value = "FILE",
             .help = "names the resolvers of Postfix (default: /etc/resolv.conf, below the queue "
                     "directory if Postfix runs in a chroot)",
             .target = &options.resolv_conf,
             .values = {Values::Kind::file, {}}},
            {.name = "no-postfix",
             .help = "predict for a Postfix of today with its defaults, not for the one here",
             .target = &options.none}};
}

std::expected<PostfixHere, std::string> PostfixHere::read(const PostfixOptions& options,
                                                          const config::Config& config) {
    PostfixHere out;
    out.options_ = options;
    out.smtp_ = delivery::smtp_with(config.verdict.default_level);
    out.ca_file_ = config.https.ca_file;
    if (options.none) return out;
    auto read = survey::read_postconf(options.postconf, options.folder);
    if (!read) {
        if (options.postconf == "postconf" && options.folder.empty()) return out;
        return std::unexpected(read.error());
    }
    doctor::Facts facts;
    facts.postconf = *std::move(read);
    facts.settings = settings_of(config);
    const doctor::Postconf& postconf = facts.postconf;
    const doctor::Client& client = usual_client(postconf);
    out.there_ = true;
    out.version_ = postconf.version;
    out.smtp_ = smtp_of(postconf, client);
    for (const doctor::Table& table :
         doctor::parse_tables(postconf.value(client, "smtp_tls_policy_maps"))) {
        const auto* listener = doctor::listener_of(table, client, facts);
        Asked& asked = out.tables_.emplace_back(
            Asked{.text = table.text, .map = {}, .fault = {}, .joined = table.joined});
        if (table.proxied && !postconf.value("proxy_read_maps").contains(table.text))
            asked.fault = "proxymap(8) refuses it, proxy_read_maps lacks it";
        if (listener == nullptr) continue;
        asked.map =
            table.map.empty() && !listener->maps.empty() ? listener->maps.front() : table.map;
    }
    const std::string queue(postconf.value("queue_directory"));
    out.ca_file_ = postconf.value(client, "smtp_tls_CAfile");
    out.ca_folder_ = postconf.value(client, "smtp_tls_CApath");
    // Read when it is needed, so in the chroot; the file is read before.
    if (client.chrooted && !out.ca_folder_.empty()) out.ca_folder_ = queue + out.ca_folder_;
    out.appends_default_ca_ = postconf.value(client, "tls_append_default_CA") == "yes";
    out.dnssec_ = postconf.value(client, "smtp_dns_support_level") == "dnssec";
    out.protocols_ = postconf.value(client, "inet_protocols");
    out.relayhost_ = postconf.value(client, "relayhost");
    const std::string resolv_conf = !options.resolv_conf.empty() ? options.resolv_conf
                                    : client.chrooted            ? queue + "/etc/resolv.conf"
                                                                 : std::string("/etc/resolv.conf");
    out.name_servers_ = doctor::name_servers_of(survey::text_of_file(resolv_conf));
    return out;
}

std::string PostfixHere::name() const {
    return there_ ? "Postfix " + version_.text() : "a Postfix of today";
}

verdict::Form PostfixHere::reads() const {
    return !there_ || version_ >= with_attributes ? verdict::Form::tlsrpt : verdict::Form::legacy;
}

std::optional<verdict::Reply> reply_of(const engine::Answer& answer, const Json* explained,
                                       const std::string& map) {
    const auto variant = answer.maps->find(map);
    if (!variant) return std::nullopt;
    verdict::Reply out = answer.written[*variant];
    if (explained == nullptr) return out;
    for (const auto& [name, reply] : explained->value("replies", Json::object()).items()) {
        if (answer.maps->find(name) != variant) continue;
        const std::string kind = text_of(reply, "kind");
        out.kind = kind == "ok"     ? verdict::Reply::Kind::ok
                   : kind == "temp" ? verdict::Reply::Kind::temp
                                    : verdict::Reply::Kind::not_found;
        out.text = text_of(reply, "text");
        break;
    }
    return out;
}

std::string PostfixHere::fault_of(const Asked& table, const std::string& key) const {
    if (!table.fault.empty() || !table.map.empty()) return table.fault;
    const auto found = survey::look_up(options_.postconf, options_.folder, table.text, key);
    return found ? std::string() : found.error();
}

std::optional<Lookup> PostfixHere::broken() const {
    if (there_ && !verdict::default_level_names.find(smtp_.level))
        return Lookup{
            .by = "main.cf",
            .map = {},
            .reply = temporary_failure(fmt::format(
                "smtp_tls_security_level = {} is not a level: smtp(8) ends", smtp_.level))};
    for (const Asked& table : tables_) {
        if (!table.joined) continue;
        // A key that nobody's file has.
        if (const std::string fault = fault_of(table, "[127.255.255.254]"); !fault.empty())
            return Lookup{.by = table.text,
                          .map = {},
                          .reply = temporary_failure(
                              fmt::format("{} cannot be looked up: {}", table.text, fault))};
    }
    return std::nullopt;
}

Lookup PostfixHere::look_up(const engine::Answer& answer, const Json* explained) const {
    using Kind = verdict::Reply::Kind;
    if (auto whole = broken()) return *std::move(whole);
    const std::vector<std::string> keys = asked_keys(answer.evidence.nexthop.key());
    for (const std::string& key : keys)
        for (const Asked& table : tables_) {
            if (!table.fault.empty())
                return {.by = table.text,
                        .map = {},
                        .reply = temporary_failure(
                            fmt::format("{} cannot be looked up: {}", table.text, table.fault))};
            if (!table.map.empty()) {
                if (&key != &keys.front()) continue; // a parent domain has no policy
                const std::string by = "map " + table.map;
                auto reply = reply_of(answer, explained, table.map);
                if (!reply)
                    return {.by = by,
                            .map = table.map,
                            .reply = temporary_failure(
                                fmt::format("postseald has no map \"{}\"", table.map))};
                if (reply->kind != Kind::not_found)
                    return {.by = by, .map = table.map, .reply = *std::move(reply)};
                continue;
            }
            auto found = survey::look_up(options_.postconf, options_.folder, table.text, key);
            if (!found)
                return {.by = table.text,
                        .map = {},
                        .reply = temporary_failure(
                            fmt::format("{} cannot be looked up: {}", table.text, found.error()))};
            if (std::optional<std::string>& policy = *found)
                return {.by = table.text,
                        .map = {},
                        .reply = {.kind = Kind::ok, .text = *std::move(policy), .defect = {}}};
        }
    return {.by = {}, .map = {}, .reply = {.kind = Kind::not_found, .text = {}, .defect = {}}};
}

} // namespace postseal::cli
