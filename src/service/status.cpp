// SPDX-License-Identifier: BSD-3-Clause
#include "service/status.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

namespace postseal::service {
namespace {

std::string validation_trouble(const engine::OwnDns& own_dns) {
    const dns::ValidationHealth& health = own_dns.health();
    if (health.state() != dns::ValidationHealth::State::failing) return {};
    return own_fault_clause(health.last());
}

} // namespace

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
