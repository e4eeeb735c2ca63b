// SPDX-License-Identifier: BSD-3-Clause
#include "observe/samples.h"

#include <algorithm>
#include <utility>

namespace postseal::observe {
namespace {

constexpr milliseconds every_minute{60'000};
constexpr std::ptrdiff_t lately = 5; // minutes

Minute between(const Totals& before, const Totals& after) {
    const auto grown = [](std::uint64_t from, std::uint64_t to) {
        return static_cast<std::uint32_t>(to - from);
    };
    const Histogram evaluations = after.evaluations.since(before.evaluations);
    Minute minute{.from_memory = grown(before.from_memory, after.from_memory),
                  .lookups = static_cast<std::uint32_t>(evaluations.count()),
                  .median = evaluations.quantile(0.5),
                  .slow = evaluations.quantile(0.95),
                  .dns = grown(before.dns, after.dns),
                  .dns_failed = grown(before.dns_failed, after.dns_failed),
                  .fetches_failed = grown(before.fetches_failed, after.fetches_failed)};
    for (std::size_t i = 0; i < minute.classes.size(); i++)
        minute.classes.at(i) = grown(before.classes.at(i), after.classes.at(i));
    return minute;
}

} // namespace

Samples::Samples(async::Loop& loop, std::function<Totals()> totals)
    : loop_(loop), totals_(std::move(totals)), before_(totals_()), group_(loop) {
    group_.start(run());
}

async::Task<> Samples::run() {
    for (;;) {
        co_await async::Sleep(loop_, every_minute);
        Totals after = totals_();
        minutes_.push_back(between(before_, after));
        if (minutes_.size() > most) minutes_.pop_front();
        before_ = after;
    }
}

Minute Samples::now() const { return between(before_, totals_()); }

Samples::Dns Samples::dns_lately() const {
    const Minute last = now();
    Dns dns{.lookups = last.dns, .failed = last.dns_failed};
    const auto n = std::min(lately, std::ssize(minutes_));
    std::for_each(minutes_.end() - n, minutes_.end(), [&](const Minute& minute) {
        dns.lookups += minute.dns;
        dns.failed += minute.dns_failed;
    });
    return dns;
}

} // namespace postseal::observe
