// SPDX-License-Identifier: BSD-3-Clause
#include "observe/metrics_text.h"

#include "observe/observer.h"
#include "observe/process.h"
#include "observe/registry.h"
#include "observe/verdicts.h"
#include "postseal/base/text.h"

#include <chrono>
#include <map>

namespace postseal::observe {
namespace {

using observe::Exposition;
using observe::Metric;

void add_queries(Exposition& out, const serve::Totals& counted) {
    for (const serve::QueryTotals::OfMap& of : counted.by_map.maps())
        for (const serve::CountedClass cls : serve::counted_classes)
            for (const serve::Source source : serve::sources)
                out.add(Metric::queries,
                        {{"protocol", to_string(of.protocol)},
                         {"map", of.map},
                         {"class", serve::to_string(cls)},
                         {"source", to_string(source)}},
                        of.count(cls, source));
    out.add(Metric::unknown_map_queries, {}, counted.unknown_map);
}

void add_connections(Exposition& out, const serve::Listeners& listeners) {
    std::map<std::string_view, std::uint64_t> sums;
    for (const serve::Listeners::Open& open : listeners.open())
        sums[to_string(open.listen->protocol)] += open.connections;
    for (const auto& [protocol, count] : sums)
        out.add(Metric::connections, {{"protocol", protocol}}, count);
}

void add_lookups(Exposition& out, const Dependencies& dependencies) {
    const auto took = [&](std::string_view kind, const Histogram& histogram) {
        out.add(Metric::lookup_duration, {{"kind", kind}}, histogram);
    };
    took("evaluation", dependencies.engine.evaluations());
    for (const auto& of : dependencies.resolver.types()) {
        const std::string type = lower_ascii(to_string(of.type));
        took(type, of.took);
        for (std::size_t i = 1; i < of.failed.size(); i++)
            out.add(Metric::dns_failures,
                    {{"type", type}, {"reason", to_string(static_cast<dns::Failure>(i))}},
                    of.failed.at(i));
    }
    took("policy_fetch", dependencies.fetcher.took());
    for (std::size_t i = 0; i < dependencies.fetcher.failed().size(); i++)
        out.add(Metric::fetch_failures, {{"reason", to_string(static_cast<https::FetchFault>(i))}},
                dependencies.fetcher.failed().at(i));
    out.add(Metric::lookups, {{"state", "active"}}, dependencies.engine.lookups().in_use());
    out.add(Metric::lookups, {{"state", "waiting"}}, dependencies.engine.lookups().waiting());
    const dns::Unbound& resolver = *dependencies.own_dns.now();
    out.add(Metric::dns_questions, {{"state", "active"}}, resolver.in_flight());
    out.add(Metric::dns_questions, {{"state", "waiting"}}, resolver.waiting());
    out.add(Metric::refreshes, {{"kind", "prefetch"}}, dependencies.refresh.prefetching());
    out.add(Metric::refreshes, {{"kind", "policy"}}, dependencies.refresh.fetching());
    out.add(Metric::downgrades, {}, dependencies.engine.downgrades().count());
    out.add(Metric::clock_confirmed, {},
            std::uint64_t{dependencies.engine.clock_watch().confirmed() ? 1U : 0U});
}

void add_cache(Exposition& out, const cache::Cache& cache) {
    out.add(Metric::cache_entries, {}, cache.size());
    out.add(Metric::cache_bytes, {}, cache.octets());
    out.add(Metric::cache_limit, {}, cache.max_octets());
    out.add(Metric::cache_evictions, {}, cache.evictions());
}

void add_kept(Exposition& out, const store::Census& census) {
    for (const auto mode : {mtasts::Mode::enforce, mtasts::Mode::testing, mtasts::Mode::none}) {
        const auto found = census.modes.find(std::string(to_string(mode)));
        out.add(Metric::policies, {{"mode", to_string(mode)}},
                found == census.modes.end() ? std::uint64_t{0} : found->second);
    }
    for (const auto& [cls, count] : by_class(census))
        out.add(Metric::remembered, {{"class", cls}}, count);
    out.add(Metric::failing, {}, census.failing);
    out.add(Metric::refresh_backlog, {}, census.due);
}

void add_store(Exposition& out, const store::Status& status) {
    for (const auto& [reason, count] : status.by_reason)
        out.add(Metric::store_failures, {{"reason", reason}}, count);
    if (!status.shared) return;
    out.add(Metric::shared_up, {}, std::uint64_t{status.shared->up ? 1U : 0U});
    out.add(Metric::shared_behind, {},
            std::chrono::duration<double>(status.shared->behind).count());
    out.add(Metric::shared_unshared, {}, std::uint64_t{status.shared->unshared});
}

void add_process(Exposition& out, WallTime started) {
    const Process process = this_process();
    out.add(Metric::start_time, {},
            std::chrono::duration<double>(started.time_since_epoch()).count());
    out.add(Metric::cpu, {}, process.cpu_seconds);
    out.add(Metric::resident_memory, {}, process.resident_bytes);
    out.add(Metric::open_fds, {}, process.open_fds);
    out.add(Metric::max_fds, {}, process.max_fds);
}

} // namespace

std::string metrics_text(Observer& observer) {
    const Dependencies& dependencies = observer.dependencies();
    Exposition out;
    add_queries(out, dependencies.counted());
    add_connections(out, dependencies.listeners);
    add_lookups(out, dependencies);
    add_cache(out, dependencies.engine.cache());
    add_kept(out, observer.kept().census);
    add_store(out, dependencies.engine.dependencies().store.status());
    for (const verdict::FindingCode code : verdict::finding_codes)
        out.add(Metric::findings, {{"code", to_string(code)}},
                dependencies.engine.findings().count(
                    code, dependencies.engine.dependencies().clock.now()));
    for (const serve::PartHealth& part : observer.health())
        out.add(Metric::degraded, {{"part", part.part}},
                std::uint64_t{part.trouble.empty() ? 0U : 1U});
    for (const dns::RootFault fault : dns::root_faults)
        out.add(Metric::validation_failing, {{"fault", to_string(fault)}},
                std::uint64_t{dependencies.own_dns.health().last().fault == fault ? 1U : 0U});
    out.add(Metric::loop_lag, {}, std::chrono::duration<double>(observer.loop_lag()).count());
    out.add(Metric::build_info, {{"version", POSTSEAL_VERSION}}, std::uint64_t{1});
    add_process(out, observer.started());
    return out.text();
}

} // namespace postseal::observe
