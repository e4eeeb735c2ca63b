// SPDX-License-Identifier: BSD-3-Clause
#include "observe/registry.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace postseal;
using namespace postseal::observe;
using namespace std::chrono_literals;

TEST_CASE("metrics: the table is in the enumeration's order, names keep the conventions") {
    std::set<std::string_view> names;
    std::size_t place = 0;
    for (const Description& about : all_metrics()) {
        CAPTURE(about.name);
        CHECK(static_cast<std::size_t>(about.metric) == place++);
        CHECK(names.insert(about.name).second);
        CHECK((about.name.starts_with("postseal_") || about.name.starts_with("process_")));
        CHECK(about.name.ends_with("_total") == (about.type == Type::counter));
        CHECK(about.name.ends_with("_seconds") >= (about.type == Type::histogram));
        CHECK(about.help.ends_with('.'));
    }
}

TEST_CASE("metrics: families in order, each with its help and type, samples octet by octet") {
    Exposition out;
    out.add(Metric::refresh_backlog, {}, std::uint64_t{7});
    out.add(Metric::dns_failures, {{"type", "mx"}, {"reason", "a\"b\\c\nd"}}, std::uint64_t{1});
    out.add(Metric::dns_failures, {{"type", "txt"}, {"reason", "bogus"}}, std::uint64_t{2});
    out.add(Metric::loop_lag, {}, 0.25);
    CHECK(out.text() ==
          "# HELP postseal_dns_failures_total DNS lookups that failed, by type of record and "
          "reason.\n# TYPE postseal_dns_failures_total "
          "counter\npostseal_dns_failures_total{type=\"mx\",reason=\"a\\\"b\\\\c\\nd\"} "
          "1\npostseal_dns_failures_total{type=\"txt\",reason=\"bogus\"} 2\n# HELP "
          "postseal_refresh_backlog Policies that are due for a refresh and have not had it yet; "
          "counted up to 100000.\n# TYPE postseal_refresh_backlog gauge\npostseal_refresh_backlog "
          "7\n# HELP postseal_loop_lag_seconds Maximum delay of the event loop in the last "
          "one to two minutes.\n# TYPE postseal_loop_lag_seconds gauge\npostseal_loop_lag_seconds "
          "0.25\n");
}

TEST_CASE("metrics: a histogram's buckets add up") {
    Histogram took;
    for (const milliseconds span : {0ms, 1ms, 2ms, 30ms, 600ms, 40'000ms})
        took.observe(span);
    Exposition out;
    out.add(Metric::lookup_duration, {{"kind", "mx"}}, took);
    const std::string text = out.text();
    CAPTURE(text);
    const auto says = [&](const std::string& line) {
        return text.contains("postseal_lookup_duration_seconds" + line + "\n");
    };
    CHECK(says("_bucket{kind=\"mx\",le=\"0.001\"} 2"));
    CHECK(says("_bucket{kind=\"mx\",le=\"0.002\"} 3"));
    CHECK(says("_bucket{kind=\"mx\",le=\"0.025\"} 3"));
    CHECK(says("_bucket{kind=\"mx\",le=\"0.05\"} 4"));
    CHECK(says("_bucket{kind=\"mx\",le=\"1\"} 5"));
    CHECK(says("_bucket{kind=\"mx\",le=\"30\"} 5"));
    CHECK(says("_bucket{kind=\"mx\",le=\"+Inf\"} 6"));
    CHECK(says("_sum{kind=\"mx\"} 40.633"));
    CHECK(says("_count{kind=\"mx\"} 6"));
}

TEST_CASE("histogram: quantiles, sums and differences") {
    Histogram before;
    CHECK(before.quantile(0.5) == 0ms);
    before.observe(7ms);
    Histogram after = before;
    for (int i = 0; i < 100; i++)
        after.observe(i < 90 ? 20ms : 400ms);
    const Histogram between = after.since(before);
    CHECK(between.count() == 100);
    CHECK(between.sum() == 5800ms);
    CHECK(between.quantile(0.5) == 18ms); // 50 of the 90 between 10 and 25 ms
    CHECK(between.quantile(0.95) == 375ms);
    after.observe(60'000ms);
    CHECK(after.quantile(1) == 30'000ms);
    Histogram again = before;
    again += between;
    again.observe(60'000ms);
    CHECK(again == after);
}
