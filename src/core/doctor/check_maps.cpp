// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace postseal::doctor {
namespace {

constexpr std::string_view parameter = "smtp_tls_policy_maps";
constexpr Version dane_since{2, 11, 0};
constexpr Version attributes_since{3, 10, 0}; // policy_type and its companions

bool is_everywhere(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

bool same_host(std::string_view asked, std::string_view listening) {
    if (asked == listening || is_everywhere(listening)) return true;
    return (asked == "localhost" || listening == "localhost") && is_loopback(asked) &&
           is_loopback(listening);
}

bool speaks_to_tables(const Settings::Listener& listener) {
    return listener.protocol == "socketmap" || listener.protocol == "tcp_table";
}

std::string_view protocol_of(const Table& table) {
    return table.type == Table::Type::tcp ? "tcp_table" : "socketmap";
}

bool offers(const Settings::Listener& listener, std::string_view map) {
    return listener.maps.empty() ||
           std::ranges::any_of(listener.maps, [map](std::string_view name) {
               return equals_ignoring_case(name, map);
           });
}

std::string_view form_for(const Version& version) {
    return version < attributes_since ? "legacy" : "tlsrpt";
}

std::string_view form_of(std::string_view map, const Settings& settings) {
    const auto found = std::ranges::find_if(settings.maps, [map](const Settings::Map& known) {
        return equals_ignoring_case(known.name, map);
    });
    return found != settings.maps.end() ? std::string_view(found->form) : std::string_view();
}

std::string map_for(const Facts& facts, const Settings::Listener& listener) {
    const std::string_view form = form_for(facts.postconf.version);
    for (const Settings::Map& map : in_force(facts).maps)
        if (map.form == form && offers(listener, map.name)) return map.name;
    return form == "legacy" ? "postfix" : "tlsrpt";
}

// Of those that have the parameter from the same place, any may be in the chroot.
bool must_work_in_chroot(const Facts& facts, const Client& client) {
    if (client.overrides.contains(parameter)) return client.chrooted;
    return std::ranges::any_of(facts.postconf.clients, [](const Client& other) {
        return other.chrooted && !other.overrides.contains(parameter);
    });
}

// As main.cf must name it; empty: this client cannot get there.
std::string reachable_as(const Facts& facts, const Client& client,
                         const Settings::Listener& listener) {
    const Endpoint& at = listener.endpoint;
    if (!at.is_unix())
        return is_everywhere(at.host) ? Endpoint{"127.0.0.1", at.port, {}}.text() : at.text();
    const std::string queue = std::string(facts.postconf.value("queue_directory")) + "/";
    if (at.path.starts_with(queue)) return "unix:" + at.path.substr(queue.size());
    return must_work_in_chroot(facts, client) ? "" : at.text();
}

std::string list_as_written(const Facts& facts, const Client& client) {
    const auto named = facts.postconf.named.find(parameter);
    if (client.overrides.contains(parameter) || named == facts.postconf.named.end())
        return std::string(facts.postconf.value(client, parameter));
    return named->second;
}

Fix set_list(const Facts& facts, const Client& client, const std::vector<std::string>& tables) {
    return set(facts, client, parameter, fmt::format("{}", fmt::join(tables, ", ")));
}

bool is_network(const Table& table) { return table.type != Table::Type::other; }

// Our table behind what is already there, in the place of what asks this machine in vain.
std::vector<Fix> add_table(const Facts& facts, const Client& client) {
    Advice advice = advise(facts, client);
    std::vector<std::string> tables;
    for (const Table& table : parse_tables(list_as_written(facts, client)))
        if (!is_network(table) || !is_of_this_machine(table.endpoint)) tables.push_back(table.text);
    tables.push_back(advice.table);
    advice.first.push_back(set_list(facts, client, tables));
    return advice.first;
}

std::vector<Fix> remove_table(const Facts& facts, const Client& client, const Table& gone) {
    std::vector<std::string> tables;
    for (const Table& table : parse_tables(list_as_written(facts, client)))
        if (table.text != gone.text) tables.push_back(table.text);
    return {set_list(facts, client, tables)};
}

struct Fault {
    Severity severity;
    std::string what;
    std::string why;
};

std::optional<Fault> form_fault(const Facts& facts, std::string_view map) {
    const std::string_view form = form_of(map, in_force(facts));
    const Version& version = facts.postconf.version;
    if (form == "requiretls")
        return Fault{
            Severity::problem,
            fmt::format("map {} writes for smtp_requiretls_policy, not for {}", map, parameter),
            "Postfix does not know its words here, and defers the mail"};
    if (form == "tlsrpt" && version < attributes_since)
        return Fault{Severity::problem,
                     fmt::format("map {} writes for Postfix 3.10 and later; this is {}", map,
                                 version.text()),
                     "this Postfix does not know the attributes of an MTA-STS policy, and defers "
                     "the mail"};
    if (form == "legacy" && version >= attributes_since)
        return Fault{
            Severity::warning,
            fmt::format("map {} writes for Postfix before 3.10; this is {}", map, version.text()),
            "without policy_type and mx_host_pattern there are no TLS reports (RFC 8460) "
            "and no check of the MX host's name against the policy"};
    return std::nullopt;
}

// What is wrong with the map that `table` names.
std::optional<Fault> map_fault(const Facts& facts, const Table& table,
                               const Settings::Listener& listener) {
    if (table.map.empty())
        return Fault{Severity::problem, fmt::format("{} names no map", table.text),
                     "Postfix cannot open such a table, and sends nothing"};
    if (form_of(table.map, in_force(facts)).empty())
        return Fault{Severity::problem, fmt::format("postseald has no map {}", table.map),
                     "it answers PERM, and Postfix defers the mail"};
    if (!offers(listener, table.map))
        return Fault{Severity::problem,
                     fmt::format("the listener {} does not offer map {}", listener.endpoint.text(),
                                 table.map),
                     "it answers PERM, and Postfix defers the mail"};
    return std::nullopt;
}

void add(Report& report, std::string_view check, Fault fault, std::vector<Fix> fix) {
    if (fault.severity == Severity::warning)
        report.warning(check, std::move(fault.what), std::move(fault.why), std::move(fix));
    else
        report.problem(check, std::move(fault.what), std::move(fault.why), std::move(fix));
}

// A tcp_table request names no map: its listener does.
void check_tcp_form(const Facts& facts, const Settings::Listener& listener, Report& report) {
    const std::string map = listener.maps.empty() ? "postfix" : listener.maps.front();
    auto fault = form_fault(facts, map);
    if (!fault) return;
    Settings::Listener any = listener;
    any.maps.clear();
    add(report, "map-form", *std::move(fault),
        {configure(facts, "[[listen]] of " + listener.endpoint.text(),
                   fmt::format("maps = [\"{}\"]", map_for(facts, any))),
         run("postseal reload")});
}

void check_proxied(const Facts& facts, const Client& client, const Table& table, Report& report) {
    if (!table.proxied) return;
    if (facts.postconf.value("proxy_read_maps").contains(table.text)) return;
    std::string direct = table.text.substr(std::string_view("proxy:").size());
    report.problem("maps", fmt::format("proxy_read_maps lacks {}", table.text),
                   "proxymap(8) refuses to look it up, and Postfix defers the mail",
                   replace_table(facts, client, table.text, {std::move(direct), {}}));
}

void check_ours(const Facts& facts, const Client& client, const Table& table,
                const Settings::Listener& listener, Report& report) {
    if (listener.protocol != protocol_of(table)) {
        report.problem(
            "maps", fmt::format("{} asks a listener of protocol {}", table.text, listener.protocol),
            "the two protocols do not match, and Postfix defers the mail",
            replace_table(facts, client, table.text, advise(facts, client)));
        return;
    }
    check_proxied(facts, client, table, report);
    // That nothing accepts there is said elsewhere.
    const auto reached = facts.reached.find(table.endpoint.text());
    const auto tried = facts.tried.find(table.text);
    if (reached != facts.reached.end() && reached->second.fault.empty() &&
        tried != facts.tried.end() && !tried->second.fault.empty() &&
        !map_fault(facts, table, listener))
        report.problem("maps",
                       fmt::format("postmap -q fails for {}: {}", table.text, tried->second.fault),
                       "Postfix gets no answer either, and defers all mail",
                       {run("systemctl restart postseald")});
    report.ok("maps", fmt::format("{} asks postseald at {}", name_of(client, parameter),
                                  listener.endpoint.text()));
    if (table.type == Table::Type::tcp) {
        check_tcp_form(facts, listener, report);
        return;
    }
    if (auto fault = map_fault(facts, table, listener)) {
        add(report, "maps", *std::move(fault),
            replace_table(facts, client, table.text, advise(facts, client)));
    } else if (auto wrong = form_fault(facts, table.map)) {
        std::string better = table.text;
        better.replace(better.size() - table.map.size(), table.map.size(),
                       map_for(facts, listener));
        const bool offered = offers(listener, map_for(facts, listener));
        add(report, "map-form", *std::move(wrong),
            replace_table(facts, client, table.text,
                          offered ? Advice{std::move(better), {}} : advise(facts, client)));
    } else {
        report.ok("map-form", fmt::format("map {} is for Postfix {}", table.map,
                                          facts.postconf.version.text()));
    }
}

// smtp(8) ends at once, whether it would have come to the table or not.
bool has_no_address(const Table& table) {
    return table.type != Table::Type::other && table.endpoint.text().empty();
}

// Why Postfix gets no answer from a table that is not one of ours; empty: nothing speaks against
// it.
std::string table_fault(const Facts& facts, const Client& client, const Table& table) {
    if (has_no_address(table)) return "no such address";
    if (is_of_this_machine(table.endpoint)) {
        const Endpoint outside = seen_from_outside(table, client, facts.postconf);
        const auto reached = facts.reached.find(outside.text());
        if (reached != facts.reached.end() && !reached->second.fault.empty())
            return reached->second.fault;
    }
    const auto tried = facts.tried.find(table.text);
    return tried != facts.tried.end() ? tried->second.fault : std::string();
}

// A listener of ours that does not speak to tables: the admin socket, the status page.
const Settings::Listener* other_listener(const Facts& facts, const Client& client,
                                         const Table& table) {
    if (table.type == Table::Type::other) return nullptr;
    const Endpoint outside = seen_from_outside(table, client, facts.postconf);
    for (const Settings::Listener& listener : in_force(facts).listeners) {
        const Endpoint& at = listener.endpoint;
        if (speaks_to_tables(listener) || table.endpoint.is_unix() != at.is_unix()) continue;
        if (at.is_unix() ? at.path == outside.path || at.path == table.endpoint.path
                         : at.port == outside.port && same_host(outside.host, at.host))
            return &listener;
    }
    return nullptr;
}

bool is_indexed(const Table& table) {
    constexpr std::array kinds = {"hash", "btree", "cdb", "dbm", "lmdb", "sdbm"};
    return std::ranges::find(kinds, table.kind) != kinds.end();
}

// Whether a table was meant to lead to us: a socket of this machine, or what cannot be read.
bool meant_for_us(const Table& table) {
    return is_network(table) &&
           (is_of_this_machine(table.endpoint) || table.endpoint.text().empty());
}

struct Broken {
    const Table* table = nullptr;
    Fault fault;
    bool only_index = false; // postmap(1) makes it from a text that is there
};

// Of a table in front of ours, or of one behind it, which is asked for what we have no policy for.
enum class Position { front, behind };

std::string_view what_becomes_of_mail(const Table& table, Position place) {
    if (has_no_address(table))
        return "Postfix cannot open it: smtp(8) ends at once, and Postfix defers all mail";
    if (place == Position::behind)
        return "Postfix then defers the mail that postseald has no policy for";
    return "Postfix goes to no other table then, and defers all mail";
}

// A table without an answer defers all mail that gets to it, for Postfix goes to no other then.
std::optional<Broken> broken(const Facts& facts, const Client& client, const Table& table,
                             Position place) {
    if (const auto* listener = other_listener(facts, client, table))
        return Broken{
            &table,
            {Severity::problem,
             fmt::format("{} asks a listener of protocol {}", table.text, listener->protocol),
             place == Position::behind
                 ? "the two protocols do not match, and Postfix defers the mail that postseald has "
                   "no policy for"
                 : "the two protocols do not match, and Postfix defers all mail"}};
    const std::string fault = table_fault(facts, client, table);
    if (fault.empty()) return std::nullopt;
    const auto tried = facts.tried.find(table.text);
    return Broken{&table,
                  {Severity::problem, fmt::format("{} gives no answer: {}", table.text, fault),
                   std::string(what_becomes_of_mail(table, place))},
                  is_indexed(table) && tried != facts.tried.end() && tried->second.source_exists};
}

// The list without what is broken, and with us in it: in the place of the first that was meant so.
std::vector<Fix> mended_list(const Facts& facts, const Client& client,
                             const std::vector<Broken>& faults, bool has_ours) {
    std::string list = list_as_written(facts, client);
    const auto is_written = [&](const Broken& one) { return list.contains(one.table->text); };
    if (!std::ranges::all_of(faults, is_written)) list = facts.postconf.value(client, parameter);
    Advice advice;
    if (!has_ours) advice = advise(facts, client);
    std::vector<std::string> tables;
    for (const Table& table : parse_tables(list)) {
        const bool gone = std::ranges::any_of(faults, [&](const Broken& one) {
            return one.table->text == table.text && !one.only_index;
        });
        if (!gone) tables.push_back(table.text);
        if (!gone || has_ours || !meant_for_us(table)) continue;
        tables.push_back(advice.table);
        has_ours = true;
    }
    if (!has_ours) tables.push_back(advice.table);
    advice.first.push_back(set_list(facts, client, tables));
    return advice.first;
}

std::vector<Fix> fix_of(const Facts& facts, const Client& client, const Broken& one,
                        const std::vector<Broken>& all, bool has_ours) {
    if (one.only_index)
        return {run(fmt::format("postmap {}:{}", one.table->kind, one.table->file))};
    return mended_list(facts, client, all, has_ours);
}

// Tables beside ours.
void check_other(const Facts& facts, const Client& client, const Table& table, bool before,
                 Report& report) {
    if (is_network(table)) {
        report.warning("maps",
                       fmt::format("{} is asked {} postseald, and is not one of its listeners",
                                   table.text, before ? "before" : "after"),
                       "while it does not answer all mail that gets there is deferred: Postfix "
                       "goes to no other table then",
                       remove_table(facts, client, table));
        return;
    }
    report.ok("maps",
              before ? fmt::format("{} is asked before postseald: what it has counts in "
                                   "place of the verdict",
                                   table.text)
                     : fmt::format("{} is asked for what postseald has no policy for", table.text));
}

} // namespace

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_of_this_machine(const Endpoint& endpoint) {
    return endpoint.is_unix() || is_loopback(endpoint.host);
}

const Settings::Listener* listener_of(const Table& table, const Client& client,
                                      const Facts& facts) {
    const Endpoint outside = seen_from_outside(table, client, facts.postconf);
    for (const Settings::Listener& listener : in_force(facts).listeners) {
        if (!speaks_to_tables(listener)) continue;
        const Endpoint& at = listener.endpoint;
        if (table.endpoint.is_unix() != at.is_unix()) continue;
        if (at.is_unix() ? at.path == outside.path || at.path == table.endpoint.path
                         : at.port == outside.port && same_host(outside.host, at.host))
            return &listener;
    }
    return nullptr;
}

Advice advise(const Facts& facts, const Client& client) {
    const auto& listeners = in_force(facts).listeners;
    for (const bool unix_sockets : {false, true})
        for (const Settings::Listener& listener : listeners) {
            if (listener.protocol != "socketmap" || listener.endpoint.is_unix() != unix_sockets)
                continue;
            const std::string at = reachable_as(facts, client, listener);
            const std::string map = map_for(facts, listener);
            if (!at.empty() && offers(listener, map))
                return {fmt::format("socketmap:{}:{}", at, map), {}};
        }
    const Settings::Listener usual{{"127.0.0.1", "8461", {}}, "socketmap", {}};
    return {fmt::format("socketmap:{}:{}", usual.endpoint.text(), map_for(facts, usual)),
            {configure(facts, "a new [[listen]]",
                       fmt::format("address = \"{}\"", usual.endpoint.text())),
             run("postseal reload")}};
}

std::vector<Fix> replace_table(const Facts& facts, const Client& client, std::string_view old,
                               const Advice& advice) {
    std::string list = list_as_written(facts, client);
    // It may be written with a parameter's name in it.
    if (!list.contains(old)) list = facts.postconf.value(client, parameter);
    if (const auto at = list.find(old); at != std::string::npos)
        list.replace(at, old.size(), advice.table);
    std::vector<Fix> fix = advice.first;
    fix.push_back(set(facts, client, parameter, list));
    return fix;
}

void check_maps(const Facts& facts, const Client& client, Report& report) {
    if (facts.postconf.version < dane_since)
        report.problem("maps", fmt::format("Postfix {} is too old", facts.postconf.version.text()),
                       "Postfix knows DANE since 2.11: dane and dane-only defer the mail before",
                       {run("apt install postfix")});
    const auto tables = parse_tables(facts.postconf.value(client, parameter));
    const auto ours = std::ranges::find_if(
        tables, [&](const Table& table) { return listener_of(table, client, facts) != nullptr; });
    const bool has_ours = ours != tables.end();
    std::vector<Broken> faults;
    for (const Table& table : tables)
        if (listener_of(table, client, facts) == nullptr)
            if (auto one = broken(facts, client, table,
                                  has_ours && !table.joined && &*ours < &table ? Position::behind
                                                                               : Position::front))
                faults.push_back(*std::move(one));
    for (const Broken& one : faults)
        report.problem("maps", one.fault.what, one.fault.why,
                       fix_of(facts, client, one, faults, has_ours));
    if (!has_ours && faults.empty())
        report.problem("maps",
                       tables.empty() ? fmt::format("{} is empty", name_of(client, parameter))
                                      : fmt::format("no table of {} leads to postseald",
                                                    name_of(client, parameter)),
                       "Postfix does not ask what a destination promises: it sends as "
                       "smtp_tls_security_level says",
                       add_table(facts, client));
    if (!has_ours) return;
    for (auto table = tables.begin(); table != tables.end(); ++table) {
        if (const auto* listener = listener_of(*table, client, facts))
            check_ours(facts, client, *table, *listener, report);
        else if (std::ranges::find(faults, &*table, &Broken::table) == faults.end())
            check_other(facts, client, *table, table < ours, report);
    }
}

void check_requiretls(const Facts& facts, const Client& client, Report& report) {
    constexpr std::string_view name = "smtp_requiretls_policy";
    for (const Table& table : parse_tables(facts.postconf.value(client, name))) {
        const auto* listener = listener_of(table, client, facts);
        if (listener == nullptr || table.type != Table::Type::socketmap) continue;
        const Settings& settings = in_force(facts);
        if (form_of(table.map, settings) == "requiretls" && offers(*listener, table.map)) {
            report.ok("requiretls", fmt::format("{} asks map {}", name, table.map));
            continue;
        }
        std::string better = table.text;
        better.replace(better.size() - table.map.size(), table.map.size(), "requiretls");
        report.problem("requiretls",
                       fmt::format("{} asks map {}, which is not of form requiretls",
                                   name_of(client, name), table.map),
                       "Postfix does not know its words there, and defers what requires TLS",
                       {set(facts, client, name, better)});
    }
}

} // namespace postseal::doctor
