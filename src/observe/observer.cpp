// SPDX-License-Identifier: BSD-3-Clause
#include "observe/observer.h"

#include "observe/metrics_text.h"
#include "observe/page_json.h"
#include "observe/status_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postseal::observe {
namespace {

// Fewer lookups say little, and some names never answer.
constexpr std::uint64_t min_lookups = 10;
constexpr std::uint64_t dead_per_cent = 90;

} // namespace

Observer::Observer(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      started_(dependencies_.engine.dependencies().clock.now()),
      kept_(dependencies_.loop, dependencies_.engine.dependencies().clock, dependencies_.archive),
      lag_(dependencies_.loop), samples_(dependencies_.loop, [this] { return totals(); }) {}

Totals Observer::totals() const {
    const serve::QueryTotals queries = dependencies_.counted().by_map;
    Totals sum{.from_memory = queries.of_source(serve::Source::memory),
               .evaluations = dependencies_.engine.evaluations()};
    for (std::size_t i = 0; i < sum.classes.size(); i++)
        sum.classes.at(i) = queries.of_class(serve::counted_classes.at(i));
    for (const auto& of : dependencies_.resolver.types()) {
        sum.dns += of.took.count();
        for (const std::uint64_t failed : of.failed)
            sum.dns_failed += failed;
    }
    for (const std::uint64_t failed : dependencies_.fetcher.failed())
        sum.fetches_failed += failed;
    return sum;
}

std::vector<serve::PartHealth> Observer::health() {
    std::vector<serve::PartHealth> all = dependencies_.health();
    all.push_back(
        {.part = "store", .trouble = dependencies_.engine.dependencies().store.status().reason});
    serve::PartHealth& dns = all.emplace_back(serve::PartHealth{.part = "dns", .trouble = {}});
    const Samples::Dns lately = samples_.dns_lately();
    if (lately.lookups >= min_lookups && lately.failed * 100 >= lately.lookups * dead_per_cent)
        dns.trouble =
            fmt::format("{} of the {} lookups of the last minutes failed: postseal doctor "
                        "looks at the name servers",
                        lately.failed, lately.lookups);
    return all;
}

async::Task<std::string> Observer::metrics() {
    co_await kept_.renew();
    co_return metrics_text(*this);
}

Json Observer::status() { return status_json(*this); }

async::Task<Json> Observer::page() {
    co_await kept_.renew();
    co_return page_json(*this);
}

} // namespace postseal::observe
