// SPDX-License-Identifier: BSD-3-Clause
#include "service/confinement.h"

#include "service/privileges.h"
#include "service/syscalls.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

namespace postseal::service {

void Confinement::log_to(Log& log) const {
    if (root) log.warning("runs-as-root", {{"reason", "name a user of its own (key user)"}});
    if (!landlock) log.warning("no-sandbox", {{"reason", landlock.error()}});
    if (!calls) log.warning("no-sandbox", {{"reason", calls.error()}});
    if (granted)
        log.info("sandbox",
                 {{"landlock", std::to_string(*landlock)}, {"seccomp", calls ? "yes" : "no"}});
}

Confinement confine(const std::string& config_file, const config::Config& config,
                    Sockets& sockets) {
    Confinement confinement{.root = ::geteuid() == 0};
    drop_capabilities();
    give_up_for_good();
    if (!config.sandbox.enabled) return confinement;
    hide_memory();
    Access access = needed_access(config, config_file);
    if (sockets.predecessor) add_sockets(sockets.predecessor->listeners().addresses(), access);
    confinement.landlock = restrict_access(access);
    if (confinement.landlock) confinement.granted = std::move(access);
    confinement.calls = restrict_calls(); // last: it needs fewer than what is before it
    return confinement;
}

std::expected<config::Config, std::string> load_within(const std::string& config_file,
                                                       const std::optional<Access>& granted) {
    auto config = config::load(config_file);
    if (!config) return std::unexpected(config.error().message());
    if (!granted) return *std::move(config);
    config::Config named = *config;
    named.sandbox = {}; // a change there needs a restart, as one of state_dir does
    named.store = "sqlite";
    if (const auto path = beyond(*granted, needed_access(named, config_file)))
        return std::unexpected(fmt::format("{} is outside of what this process has been able to "
                                           "open since it started (sandbox): restart it",
                                           *path));
    return *std::move(config);
}

} // namespace postseal::service
