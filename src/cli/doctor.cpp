// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/direct.h"
#include "cli/doctor_text.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "cli/unasked_zones.h"
#include "dns/system_files.h"
#include "dns/trust_anchor.h"
#include "fleet/server_location.h"
#include "postseal/doctor/examine.h"
#include "serve/configuration_json.h"
#include "survey/files.h"
#include "survey/name_server.h"
#include "survey/postfix.h"
#include "survey/sockets.h"
#include "survey/tables.h"
#include "json/json.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace postseal::cli {
namespace {

using doctor::Facts;

struct DoctorOptions {
    std::string postconf = "postconf";
    std::string postfix_config; // folder of main.cf; empty: Postfix's own
    std::string resolv_conf;    // empty: the one that smtp(8) reads
};

std::vector<std::string> texts(const Json& object, const char* name) {
    return object.value(name, std::vector<std::string>());
}

// Of serve/configuration_json.h.
doctor::Settings settings_from(const Json& json) {
    doctor::Settings out;
    out.default_level = json.value("default_level", out.default_level);
    out.postfix_dnssec = json.value("postfix_dnssec", out.postfix_dnssec);
    for (const Json& map : json.value("maps", Json::array()))
        out.maps.push_back({map.value("name", ""), map.value("form", "")});
    for (const Json& listener : json.value("listeners", Json::array()))
        out.listeners.push_back({doctor::parse_endpoint(listener.value("address", "")),
                                 listener.value("protocol", ""), texts(listener, "maps")});
    return out;
}

// Command and folder as the operator must name them in a shell.
std::string postconf_command(const DoctorOptions& options) {
    std::string out = options.postconf;
    if (!options.postfix_config.empty()) out += " -c " + options.postfix_config;
    return out;
}

void ask_postfix(const DoctorOptions& options, Facts& facts) {
    facts.postconf_command = postconf_command(options);
    auto postconf = survey::read_postconf(options.postconf, options.postfix_config);
    if (!postconf) {
        facts.postconf_fault = std::move(postconf.error());
        return;
    }
    facts.postconf = *std::move(postconf);
    const std::string queue(facts.postconf.value("queue_directory"));
    facts.real_queue_directory = survey::real_path(queue);
    facts.mail_owner = survey::find_user(std::string(facts.postconf.value("mail_owner")));
    for (const doctor::Endpoint& endpoint : endpoints_to_reach(facts))
        facts.reached.emplace(endpoint.text(), survey::reach(endpoint));
    for (const doctor::Table& table : tables_to_try(facts.postconf))
        if (auto tried = survey::try_table(options.postconf, options.postfix_config, table))
            facts.tried.emplace(table.text, *std::move(tried));
    for (const std::string& path : authorities_to_read(facts.postconf))
        facts.authorities.emplace(path, survey::authority_fault(path));
    facts.resolv_conf =
        any_chrooted(facts.postconf) ? queue + "/etc/resolv.conf" : std::string("/etc/resolv.conf");
}

void ask_name_servers(const DoctorOptions& options, Facts& facts) {
    if (!options.resolv_conf.empty()) facts.resolv_conf = options.resolv_conf;
    facts.resolv_conf_missing = ::access(facts.resolv_conf.c_str(), F_OK) != 0;
    if (facts.resolv_conf_missing) return;
    const std::string text = survey::text_of_file(facts.resolv_conf);
    for (const std::string& address : doctor::name_servers_of(text))
        facts.name_servers.push_back(survey::ask_name_server(address));
}

bool is_unchecked(const Json& status) {
    return status.value("validation", Json::object()).value("state", "") == "unknown";
}

void ask_ours(const std::string& socket, Facts& facts) {
    const auto reply = ask_daemon(socket, {{"command", "status"}});
    if (!reply) {
        // The remedies behind it are those of commands that need an answer.
        const std::string& text = reply.error().text;
        facts.admin_fault = text.substr(0, text.find("; "));
        facts.admin_forbidden = ::access(socket.c_str(), R_OK | W_OK) != 0 && errno == EACCES;
        return;
    }
    Json status = reply->value("status", Json::object());
    // One that has just started has not checked yet whether it can validate.
    constexpr int max_looks = 20;
    for (int looks = 1; looks < max_looks && is_unchecked(status); looks++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        if (const auto again = ask_daemon(socket, {{"command", "status"}}))
            status = again->value("status", Json::object());
    }
    const Json store = status.value("store", Json::object());
    facts.daemon =
        doctor::Daemon{.settings = settings_from(status.value("configuration", Json::object())),
                       .version = status.value("version", ""),
                       .unread = store.value("unread", ""),
                       .degraded = store.value("degraded", false) ? store.value("reason", "") : "",
                       .reload_error = status.value("reload_error", "")};
    const Json validation = status.value("validation", Json::object());
    if (const std::string state = validation.value("state", ""); state == "working")
        facts.validation = doctor::Validation{.servers = validation.value("servers", "")};
    else if (state == "failing")
        facts.validation = doctor::Validation{.fault = validation.value("fault", ""),
                                              .reason = validation.value("reason", ""),
                                              .fix = validation.value("fix", ""),
                                              .servers = validation.value("servers", "")};
}

// As the daemon would find it.
std::optional<doctor::Validation> own_validation(const config::Config& config) {
    auto direct = Direct::open(config);
    if (!direct) return std::nullopt; // what is wrong with it is said elsewhere
    const dns::RootCheck& check = direct->validation();
    doctor::Validation out{.reason = check.reason, .fix = check.fix};
    if (check.fault != dns::RootFault::none) out.fault = to_string(check.fault);
    out.servers = direct->asked_servers();
    return out;
}

std::string trust_anchor_fault(const config::Dns& dns) {
    const auto anchors = dns::load_trust_anchors(dns.trust_anchor);
    if (!anchors) return anchors.error();
    // An unbound.conf may hold anchors of its own.
    if (anchors->keys.empty() && !dns.unbound_conf.empty()) return "";
    return dns::root_anchor_warning(anchors->keys).value_or("");
}

// A file that is at fault is a finding; the daemon that runs has read another.
Facts gather(const Common& common, const DoctorOptions& options,
             const std::expected<config::Config, ClientError>& read) {
    const config::Config config = read ? *read : config::parse("", "").value();
    Facts facts;
    if (!read) facts.configuration_fault = read.error().text;
    facts.configuration =
        common.config_file.empty() ? std::string(config::default_file) : common.config_file;
    facts.settings = settings_from(serve::configuration_json(config));
    ask_ours(admin_socket(common, config), facts);
    ask_postfix(options, facts);
    ask_name_servers(options, facts);
    if (!facts.daemon && !facts.admin_forbidden) facts.validation = own_validation(config);
    if (read) facts.trust_anchor_fault = trust_anchor_fault(config.dns);
    // Where nothing validates, nothing is found out by lookups either.
    if (!facts.validation || facts.validation->fault.empty())
        facts.unasked_zones =
            find_unasked_zones(config.dns, destinations_to_look_up(facts.postconf));
    facts.private_name_servers = config.dns.private_name_servers;
    facts.shared_store = config::has_shared_store(config);
    if (const auto place = fleet::parse_server_location(config.store); place && facts.shared_store)
        facts.unverified_store = place->unverified;
    facts.store_written = survey::store_written(config.state_dir);
    facts.now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
    return facts;
}

int examine_all(const Common& common, const DoctorOptions& options) {
    if (!common.config_file.empty() && ::access(common.config_file.c_str(), F_OK) != 0)
        return fail(load_config(common).error());
    const auto findings = examine(gather(common, options, load_config(common)));
    if (common.json) {
        fmt::print("{}\n", dumped(doctor_json(findings), 2));
    } else {
        const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
        fmt::print("{}", doctor_text(findings, colour));
    }
    const bool ill = std::ranges::any_of(findings, [](const doctor::Finding& finding) {
        return finding.severity == doctor::Severity::problem;
    });
    return ill ? ExitStatus::problems : ExitStatus::found;
}

} // namespace

Command doctor_command(Common& common) {
    const auto options = std::make_shared<DoctorOptions>();
    return {.name = "doctor",
            .summary = "find what is wrong between Postfix and the daemon, and how to fix it",
            .options =
                joined({{.letter = "p",
                         .name = "postconf",
                         .value = "PROGRAM",
                         .help = "the postconf of your Postfix (default: postconf)",
                         .target = &options->postconf,
                         .values = {Values::Kind::program, {}}},
                        {.letter = "f",
                         .name = "postfix-config",
                         .value = "FOLDER",
                         .help = "folder of main.cf (default: Postfix's own)",
                         .target = &options->postfix_config,
                         .values = {Values::Kind::folder, {}}},
                        {.letter = "r",
                         .name = "resolv-conf",
                         .value = "FILE",
                         .help = "names the resolvers of Postfix (default: /etc/resolv.conf, below "
                                 "the queue directory if Postfix runs in a chroot)",
                         .target = &options->resolv_conf,
                         .values = {Values::Kind::file, {}}}},
                       daemon_options(common)),
            .examples = {"postseal doctor", "postseal doctor --postfix-config /etc/postfix-out"},
            .footer = "Exit status: 0 no problem, 1 a problem, 64 usage, 78 configuration error.",
            .run = [&common, options] { return examine_all(common, *options); }};
}

} // namespace postseal::cli
