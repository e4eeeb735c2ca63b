// SPDX-License-Identifier: BSD-3-Clause
#include "observe/registry.h"

#include "postseal/base/names.h"

#include <fmt/format.h>

#include <chrono>

namespace postseal::observe {
namespace {

using enum Type;

constexpr Description table[] = {
    {Metric::queries, counter, "postseal_queries_total", "protocol, map, class, source",
     "Queries answered, by listener protocol, map, class of the verdict and where it came from."},
    {Metric::unknown_map_queries, counter, "postseal_unknown_map_queries_total", "",
     "Queries for a map that the listener does not offer."},
    {Metric::connections, gauge, "postseal_connections", "protocol",
     "Open connections of clients, by listener protocol."},
    {Metric::lookup_duration, histogram, "postseal_lookup_duration_seconds", "kind",
     "How long lookups took, by kind; evaluation: of all that a nexthop needs."},
    {Metric::lookups, gauge, "postseal_lookups", "state",
     "Evaluations of nexthops, active and waiting for limits.lookups."},
    {Metric::dns_questions, gauge, "postseal_dns_questions", "state",
     "DNS questions in libunbound, and waiting for a place there."},
    {Metric::dns_failures, counter, "postseal_dns_failures_total", "type, reason",
     "DNS lookups that failed, by type of record and reason."},
    {Metric::fetch_failures, counter, "postseal_policy_fetch_failures_total", "reason",
     "Fetches of MTA-STS policies that failed, by reason."},
    {Metric::refreshes, gauge, "postseal_refreshes", "kind",
     "Active refreshes: prefetches for nexthops in use, and policies."},
    {Metric::refresh_backlog, gauge, "postseal_refresh_backlog", "",
     "Policies that are due for a refresh and have not had it yet; counted up to 100000."},
    {Metric::downgrades, counter, "postseal_downgrades_total", "",
     "Promises of domains that grew weaker."},
    {Metric::clock_confirmed, gauge, "postseal_clock_confirmed", "",
     "1 if the wall clock is confirmed; while it is not, no policy expires by it, and nothing is "
     "pruned."},
    {Metric::policies, gauge, "postseal_policies", "mode", "MTA-STS policies stored, by mode."},
    {Metric::remembered, gauge, "postseal_remembered_domains", "class",
     "Nexthops in the store, by class of the last verdict."},
    {Metric::failing, gauge, "postseal_failing_domains", "",
     "Policy domains whose last fetch failed."},
    {Metric::cache_entries, gauge, "postseal_cache_entries", "", "Answers in memory."},
    {Metric::cache_bytes, gauge, "postseal_cache_bytes", "", "Memory used by the answers."},
    {Metric::cache_limit, gauge, "postseal_cache_limit_bytes", "",
     "Maximum memory for the answers (cache.memory)."},
    {Metric::cache_evictions, counter, "postseal_cache_evictions_total", "",
     "Answers evicted to make room for others."},
    {Metric::store_failures, counter, "postseal_store_failures_total", "reason",
     "Reads and writes of the store that failed, by reason."},
    {Metric::shared_up, gauge, "postseal_shared_store_up", "",
     "1 if the shared store could be read and written at the last attempt."},
    {Metric::shared_behind, gauge, "postseal_shared_store_behind_seconds", "",
     "Since when this node has not known all that others have written."},
    {Metric::shared_unshared, gauge, "postseal_shared_store_unshared_rows", "",
     "Rows that the shared store does not have yet."},
    {Metric::findings, gauge, "postseal_findings", "code",
     "Destinations with a finding now: deferred, or a policy that fits none or not all MX hosts."},
    {Metric::degraded, gauge, "postseal_degraded", "part",
     "1 if a part is degraded; /healthz shows the cause."},
    {Metric::validation_failing, gauge, "postseal_validation_failing", "fault",
     "1 if DNSSEC cannot be validated here, by our own fault or our network's."},
    {Metric::loop_lag, gauge, "postseal_loop_lag_seconds", "",
     "Maximum delay of the event loop in the last one to two minutes."},
    {Metric::build_info, gauge, "postseal_build_info", "version", "Always 1."},
    {Metric::start_time, gauge, "process_start_time_seconds", "",
     "When the process started, in seconds since 1970."},
    {Metric::cpu, counter, "process_cpu_seconds_total", "", "User and system CPU time spent."},
    {Metric::resident_memory, gauge, "process_resident_memory_bytes", "", "Memory in RAM."},
    {Metric::open_fds, gauge, "process_open_fds", "", "Open file descriptors."},
    {Metric::max_fds, gauge, "process_max_fds", "", "Maximum number of open file descriptors."},
};

// Label values are of enumerations and of the configuration, where anything may be written.
std::string escaped(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

std::string written(Labels labels, std::string_view le = {}) {
    std::string out;
    for (const auto& [name, value] : labels)
        out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
    if (!le.empty()) out += fmt::format("{}le=\"{}\"", out.empty() ? "" : ",", le);
    return out.empty() ? out : "{" + out + "}";
}

double in_seconds(milliseconds span) { return std::chrono::duration<double>(span).count(); }

} // namespace

constexpr auto type_names =
    names_for<Type>({{counter, "counter"}, {gauge, "gauge"}, {histogram, "histogram"}});
std::string_view to_string(Type type) { return type_names[type]; }

std::span<const Description> all_metrics() { return table; }

Exposition::Exposition() : families_(std::size(table)) {}

std::string& Exposition::family(Metric metric) {
    return families_.at(static_cast<std::size_t>(metric));
}

void Exposition::add(Metric metric, Labels labels, std::uint64_t value) {
    const Description& about = table[static_cast<std::size_t>(metric)];
    family(metric) += fmt::format("{}{} {}\n", about.name, written(labels), value);
}

void Exposition::add(Metric metric, Labels labels, double value) {
    const Description& about = table[static_cast<std::size_t>(metric)];
    family(metric) += fmt::format("{}{} {}\n", about.name, written(labels), value);
}

void Exposition::add(Metric metric, Labels labels, const Histogram& histogram) {
    const std::string_view name = table[static_cast<std::size_t>(metric)].name;
    std::string& out = family(metric);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < Histogram::bounds.size(); i++) {
        sum += histogram.counts().at(i);
        const std::string le = fmt::format("{}", in_seconds(Histogram::bounds.at(i)));
        out += fmt::format("{}_bucket{} {}\n", name, written(labels, le), sum);
    }
    sum += histogram.counts().back();
    out += fmt::format("{}_bucket{} {}\n", name, written(labels, "+Inf"), sum);
    out += fmt::format("{}_sum{} {}\n", name, written(labels), in_seconds(histogram.sum()));
    out += fmt::format("{}_count{} {}\n", name, written(labels), sum);
}

std::string Exposition::text() const {
    std::string out;
    for (const Description& about : table) {
        const std::string& samples = families_.at(static_cast<std::size_t>(about.metric));
        if (samples.empty()) continue;
        out += fmt::format("# HELP {} {}\n# TYPE {} {}\n{}", about.name, about.help, about.name,
                           to_string(about.type), samples);
    }
    return out;
}

} // namespace postseal::observe
