// SPDX-License-Identifier: BSD-3-Clause
#include "service/status.h"

#include "postseal/base/text.h"
#include "serve/configuration_json.h"
#include "json/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace postseal::service {
namespace {

Json shared_json(const std::optional<store::SharedStatus>& shared) {
    if (!shared) return nullptr;
    return {{"place", shared->place},
            {"node", shared->node},
            {"up", shared->up},
            {"behind_ms", shared->behind.count()},
            {"unshared", shared->unshared}};
}

Json validation_json(const engine::OwnDns& own_dns) {
    const dns::ValidationHealth& health = own_dns.health();
    return {{"state", to_string(health.state())},
            {"fault", to_string(health.last().fault)},
            {"reason", health.last().reason},
            {"fix", health.last().fix},
            {"servers", to_string(own_dns.asked())}};
}

Json classes_json(const serve::QueryTotals& queries) {
    Json out = Json::object();
    for (const serve::CountedClass cls : serve::counted_classes)
        out[std::string(serve::to_string(cls))] = queries.of_class(cls);
    return out;
}

// Every part: one without a trouble is healthy.
Json health_json(observe::Observer& observer) {
    Json out = Json::array();
    for (const serve::PartHealth& part : observer.health())
        out.push_back({{"part", part.part}, {"trouble", part.trouble}, {"note", part.note}});
    return out;
}

std::string validation_trouble(const engine::OwnDns& own_dns) {
    const dns::ValidationHealth& health = own_dns.health();
    if (health.state() != dns::ValidationHealth::State::failing) return {};
    return own_fault_clause(health.last());
}

} // namespace

std::string Status::json(const serve::Totals& counters, observe::Observer& observer) const {
    const store::Status stored = dependencies_.store.status();
    const milliseconds up = dependencies_.engine.dependencies().clock.now() - observer.started();
    return Json{
        {"version", POSTSEAL_VERSION},
        {"started_at", rfc3339(observer.started())},
        {"uptime_s", std::chrono::floor<seconds>(up).count()},
        {"classes", classes_json(counters.by_map)},
        {"health", health_json(observer)},
        {"queries", counters.queries},
        {"socketmap_queries", counters.socketmap},
        {"tcp_table_queries", counters.tcp_table},
        {"delegation_queries", counters.delegation},
        {"cached", counters.cached},
        {"looked_up", counters.looked_up},
        {"no_nexthop", counters.no_nexthop},
        {"unknown_map", counters.unknown_map},
        {"connections", dependencies_.shared.connections()},
        {"answers_in_memory", dependencies_.engine.cached()},
        {"memory_octets", dependencies_.engine.cache_octets()},
        {"lookups_active", dependencies_.engine.in_the_air()},
        {"downgrades", dependencies_.engine.downgrades().count()},
        {"last_downgrade", dependencies_.engine.downgrades().last()},
        {"clock_confirmed_by", to_string(dependencies_.engine.clock_watch().confirmed_by())},
        {"degraded", stored.degraded},
        {"degraded_reason", stored.reason},
        {"store_unread", stored.unread},
        {"validation", validation_json(dependencies_.own_dns)},
        {"shared_store", shared_json(stored.shared)},
        {"reload_error", dependencies_.reload.error()},
        {"configuration", serve::configuration_json(dependencies_.reload.config())}}
        .dump();
}

std::string Status::line() const {
    const auto counted = [](std::size_t count, std::string_view noun) {
        return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
    };
    std::string line = counted(dependencies_.listeners.addresses().size(), "listener") + ", " +
                       counted(dependencies_.engine.cached(), "domain") + " in memory";
    if (const store::Status stored = dependencies_.store.status(); stored.degraded)
        line += "; degraded: " + stored.reason;
    if (const std::string trouble = validation_trouble(dependencies_.own_dns); !trouble.empty())
        line += "; " + trouble;
    if (!dependencies_.reload.error().empty())
        line += "; reload failed: " + dependencies_.reload.error();
    return printable(line, 500);
}

std::vector<serve::PartHealth> Status::health(const Watchdog& watchdog) const {
    const engine::ClockWatch& clock = dependencies_.engine.clock_watch();
    const std::vector<std::string>& warnings = dependencies_.own_dns.now()->warnings();
    const auto stuck = [&](std::string_view part) {
        return std::string(watchdog.stuck(part) ? "does not answer" : "");
    };
    return {{"configuration", dependencies_.reload.error()},
            {"resolver", stuck("resolver")},
            {"worker", stuck("store")},
            {"threads", stuck("serving threads")},
            {"trust-anchor", warnings.empty() ? "" : warnings.front()},
            {"validation", validation_trouble(dependencies_.own_dns)},
            {"clock", "",
             clock.confirmed() ? ""
                               : "not confirmed yet, so no policy expires by it; see THE CLOCK in "
                                 "postseald(8)"}};
}

} // namespace postseal::service
