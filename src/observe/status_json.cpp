// SPDX-License-Identifier: BSD-3-Clause
#include "observe/status_json.h"

#include "observe/observer.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace postseal::observe {
namespace {

Json health_json(const std::vector<serve::PartHealth>& health) {
    Json out = Json::array();
    for (const serve::PartHealth& part : health)
        out.push_back({{"part", part.part}, {"trouble", part.trouble}, {"note", part.note}});
    return out;
}

Json classes_json(const serve::QueryTotals& queries) {
    Json out = Json::object();
    for (const serve::CountedClass cls : serve::counted_classes)
        out[std::string(serve::to_string(cls))] = queries.of_class(cls);
    return out;
}

Json queries_json(const serve::Totals& counted) {
    Json out{{"total", counted.queries}};
    for (const serve::Source source : serve::sources)
        out[std::string(to_string(source))] = counted.by_map.of_source(source);
    out["no_nexthop"] = counted.no_nexthop;
    out["unknown_map"] = counted.unknown_map;
    out["protocols"] = {{"socketmap", counted.socketmap},
                        {"tcp_table", counted.tcp_table},
                        {"delegation", counted.delegation}};
    out["classes"] = classes_json(counted.by_map);
    return out;
}

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

} // namespace

Json status_json(Observer& observer) {
    const Dependencies& from = observer.dependencies();
    const engine::Engine& engine = from.engine;
    const WallTime now = engine.dependencies().clock.now();
    const cache::Cache& cache = engine.cache();
    const store::Status stored = engine.dependencies().store.status();
    return {{"version", POSTSEAL_VERSION},
            {"now", rfc3339(now)},
            {"started_at", rfc3339(observer.started())},
            {"uptime_s", std::chrono::floor<seconds>(now - observer.started()).count()},
            {"health", health_json(observer.health())},
            {"connections", from.shared.connections()},
            {"queries", queries_json(from.counted())},
            {"lookups",
             {{"pending", engine.pending()},
              {"active", engine.lookups().in_use()},
              {"waiting", engine.lookups().waiting()}}},
            {"memory",
             {{"answers", cache.size()},
              {"bytes", cache.octets()},
              {"limit_bytes", cache.max_octets()}}},
            {"downgrades", engine.downgrades().count()},
            {"last_downgrade", engine.downgrades().last()},
            {"clock_confirmed_by", to_string(engine.clock_watch().confirmed_by())},
            {"store",
             {{"degraded", stored.degraded}, {"reason", stored.reason}, {"unread", stored.unread}}},
            {"shared_store", shared_json(stored.shared)},
            {"validation", validation_json(from.own_dns)},
            {"reload_error", from.reload_error()}};
}

} // namespace postseal::observe
