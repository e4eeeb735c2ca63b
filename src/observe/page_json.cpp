// SPDX-License-Identifier: BSD-3-Clause
#include "observe/page_json.h"

#include "observe/observer.h"
#include "observe/status_json.h"
#include "observe/verdicts.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <initializer_list>
#include <utility>

namespace postseal::observe {
namespace {

Json listeners_json(const serve::Listeners& listeners) {
    Json out = Json::array();
    for (const serve::Listeners::Open& open : listeners.open())
        out.push_back({{"address", open.listen->address.text()},
                       {"protocol", to_string(open.listen->protocol)},
                       {"connections", open.connections}});
    return out;
}

Json minutes_json(const Samples& samples) {
    std::deque<Minute> minutes = samples.minutes();
    minutes.push_back(samples.now());
    const auto column = [&](auto value) {
        Json out = Json::array();
        for (const Minute& minute : minutes)
            out.push_back(value(minute));
        return out;
    };
    Json classes = Json::object();
    for (std::size_t i = 0; i < serve::counted_classes.size(); i++)
        classes[std::string(serve::to_string(serve::counted_classes.at(i)))] =
            column([i](const Minute& minute) { return minute.classes.at(i); });
    return {{"step_s", 60},
            {"classes", std::move(classes)},
            {"memory", column([](const Minute& m) { return m.from_memory; })},
            {"lookups", column([](const Minute& m) { return m.lookups; })},
            {"median_ms", column([](const Minute& m) { return m.median.count(); })},
            {"slow_ms", column([](const Minute& m) { return m.slow.count(); })},
            {"fetches_failed", column([](const Minute& m) { return m.fetches_failed; })},
            {"dns_failed", column([](const Minute& m) { return m.dns_failed; })}};
}

Json failing_json(const std::vector<store::StsRow>& rows) {
    Json out = Json::array();
    for (const store::StsRow& row : rows)
        out.push_back({{"domain", row.domain.name()},
                       {"fault", row.fault},
                       {"reason", row.reason},
                       {"failures", row.failures},
                       {"failed_at", rfc3339(row.failed_at)},
                       {"retry_at", rfc3339(row.retry_at)}});
    return out;
}

Json history_json(const std::vector<store::HistoryRow>& rows) {
    Json out = Json::array();
    for (const store::HistoryRow& row : rows)
        out.push_back({{"key", row.nexthop},
                       {"at", rfc3339(row.at)},
                       {"before", row.before},
                       {"after", row.after},
                       {"row", row.row},
                       {"reasons", row.reasons}});
    return out;
}

Json findings_json(const engine::Engine& engine, std::initializer_list<verdict::FindingCode> codes,
                   WallTime now) {
    constexpr std::size_t max_rows = 20;
    Json out = Json::array();
    for (const verdict::FindingCode code : codes)
        for (const engine::Findings::Keyed& keyed : engine.findings().with(code, max_rows, now))
            out.push_back(keyed.json());
    return out;
}

Json kept_json(const store::Census& census) {
    return {{"nexthops", by_class(census)},
            {"policies", census.modes},
            {"failing", census.failing},
            {"due", census.due}};
}

} // namespace

Json page_json(Observer& observer) {
    using verdict::FindingCode;
    const engine::Engine& engine = observer.dependencies().engine;
    const WallTime now = engine.dependencies().clock.now();
    const StoreNumbers& kept = observer.kept();
    Json out = status_json(observer);
    out.update(
        Json{{"listeners", listeners_json(observer.dependencies().listeners)},
             {"kept", kept_json(kept.census)},
             {"minutes", minutes_json(observer.samples())},
             {"deferred", findings_json(engine, {FindingCode::deferred}, now)},
             {"findings",
              findings_json(engine, {FindingCode::policy_fits_none, FindingCode::policy_fits_some},
                            now)},
             {"failing", failing_json(kept.failing)},
             {"downgraded", history_json(kept.downgrades)},
             {"changed", history_json(kept.changes)}});
    return out;
}

} // namespace postseal::observe
