// observe/registry.h: every metric there is, by name, type and help, and how they are written
//
// The text format 0.0.4 of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats
// Names have base units (seconds, bytes); counters end in _total. Labels come from enumerations and
// the configuration, never from the network.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/histogram.h"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::observe {

enum class Type { counter, gauge, histogram };
[[nodiscard]] std::string_view to_string(Type type);

enum class Metric {
    queries,
    unknown_map_queries,
    connections,
    lookup_duration,
    lookups,
    dns_questions,
    dns_failures,
    fetch_failures,
    refreshes,
    refresh_backlog,
    downgrades,
    clock_confirmed,
    policies,
    remembered,
    failing,
    cache_entries,
    cache_bytes,
    cache_limit,
    cache_evictions,
    store_failures,
    shared_up,
    shared_behind,
    shared_unshared,
    findings,
    degraded,
    validation_failing,
    loop_lag,
    build_info,
    start_time,
    cpu,
    resident_memory,
    open_fds,
    max_fds,
};

struct Description {
    Metric metric;
    Type type;
    std::string_view name;
    std::string_view labels; // "map, class"; empty: none
    std::string_view help;
};
// In the order of Metric.
[[nodiscard]] std::span<const Description> all_metrics();

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

// Gathers samples, in any order, and writes them family by family.
class Exposition {
  public:
    Exposition();
    void add(Metric metric, Labels labels, std::uint64_t value);
    void add(Metric metric, Labels labels, double value);
    void add(Metric metric, Labels labels, const Histogram& histogram);

    // Families of which no sample was added are left out.
    [[nodiscard]] std::string text() const;

  private:
    std::string& family(Metric metric);

    std::vector<std::string> families_; // the samples of each, in the order of Metric
};

} // namespace postseal::observe
