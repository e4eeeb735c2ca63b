// SPDX-License-Identifier: BSD-3-Clause
#include "engine/own_dns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace postseal::engine {

std::expected<std::unique_ptr<OwnDns>, std::string> OwnDns::open(async::UvLoop& loop,
                                                                 const dns::UnboundOptions& options,
                                                                 const Clock& clock, Log& log) {
    auto resolver = dns::Unbound::open(loop, options);
    if (!resolver) return std::unexpected(std::move(resolver.error()));
    return std::unique_ptr<OwnDns>(new OwnDns(loop, *std::move(resolver), options, clock, log));
}

OwnDns::OwnDns(async::UvLoop& loop, std::shared_ptr<dns::Unbound> resolver,
               const dns::UnboundOptions& options, const Clock& clock, Log& log)
    : log_(log), current_(std::move(resolver)),
      upstream_(
          loop, current_, options, [&clock] { return clock.now(); }, events()),
      health_({.loop = loop,
               .resolver = current_,
               .check = [this] { return upstream_.check(); },
               .on_change = [this](const dns::RootCheck& check) { on_change(check); },
               .reconsider =
                   [this](const std::string& name) {
                       if (reconsider_) reconsider_(name);
                   }}) {
    warn(*current_.now());
}

void OwnDns::replace(std::shared_ptr<dns::Unbound> resolver, const dns::UnboundOptions& options) {
    warn(*resolver);
    current_.replace(std::move(resolver));
    upstream_.reconfigure(options);
    health_.check_now();
}

void OwnDns::clock_jumped() {
    upstream_.forget();
    health_.check_now();
}

void OwnDns::warn(const dns::Unbound& resolver) {
    for (const std::string& warning : resolver.warnings())
        log_.warning("dns", {{"reason", warning}});
    if (!resolver.outdated_anchor().empty())
        log_.warning("outdated-anchor", {{"reason", resolver.outdated_anchor()}});
}

dns::Upstream::Events OwnDns::events() {
    return {.switched =
                [this](dns::AskedServers now, const dns::RootCheck& why) {
                    const bool system = now == dns::AskedServers::system;
                    log_.warning(
                        "other-servers",
                        {{"servers", system ? "/etc/resolv.conf" : "authoritative"},
                         {"reason", why.reason},
                         {"fix", system ? "[dns] forward = [\"resolv.conf\"] makes it so for "
                                          "good"
                                        : "[dns] forward names whom to ask for good"}});
                },
            .servers_changed =
                [this](const std::vector<std::string>& servers) {
                    log_.info("servers-changed",
                              {{"servers", fmt::format("{}", fmt::join(servers, ","))}});
                    health_.check_now();
                },
            .file_unusable =
                [this](const std::string& reason) {
                    log_.warning("servers-kept", {{"reason", reason}});
                }};
}

void OwnDns::on_change(const dns::RootCheck& check) {
    if (check.fault == dns::RootFault::none)
        log_.info("validation-restored");
    else
        log_.error("validation-failing", {{"fault", std::string(to_string(check.fault))},
                                          {"reason", check.reason},
                                          {"fix", check.fix}});
}

} // namespace postseal::engine
