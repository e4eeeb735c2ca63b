// SPDX-License-Identifier: BSD-3-Clause
#include "service/platform.h"

#include "https/fetcher.h"
#include "service/descriptors.h"
#include "service/exit_status.h"
#include "service/part_options.h"
#include "service/predecessor.h"
#include "service/privileges.h"

#include <cstdlib>

namespace postseal::service {
namespace {

std::unexpected<Refusal> refuse(int status, std::string reason) {
    return std::unexpected(Refusal{.status = status, .reason = std::move(reason)});
}

} // namespace

std::expected<std::unique_ptr<Platform>, Refusal> Platform::open(const StartOptions& options,
                                                                 const config::Config& config) {
    std::unique_ptr<Platform> platform(new Platform());
    Step done = platform->open_sockets(options, config);
    if (done) {
        platform->confine_process(options, config);
        done = platform->open_clients(config);
    }
    if (done) done = platform->open_store(options, config);
    if (!done) return std::unexpected(std::move(done.error()));
    return platform;
}

Platform::Step Platform::open_sockets(const StartOptions& options, const config::Config& config) {
    auto sockets = listening_sockets(options.take_over, config, systemd_);
    if (!sockets) return refuse(cannot_listen, std::move(sockets.error()));
    sockets_ = *std::move(sockets);
    if (auto switched = switch_user(config.user); !switched)
        return refuse(bad_config, std::move(switched.error()));
    return {};
}

void Platform::confine_process(const StartOptions& options, const config::Config& config) {
    clock_ = std::make_unique<engine::SystemClock>();
    confinement_ = confine(options.config_file, config, sockets_);
    log_ = std::make_unique<Log>(
        config.log, LogOutput{.journal_reads = log::is_journal(2, std::getenv("JOURNAL_STREAM"))});
    for (const std::string& reason : sockets_.complaints)
        log_->warning("passed-socket", {{"reason", reason}});
    if (const auto warning = raise_descriptor_limit(config.limits.connections))
        log_->warning("descriptors", {{"reason", *warning}});
}

Platform::Step Platform::open_clients(const config::Config& config) {
    auto own_dns = engine::OwnDns::open(loop_, unbound_options(config.dns), *clock_, *log_);
    if (!own_dns) return refuse(bad_config, std::move(own_dns.error()));
    own_dns_ = *std::move(own_dns);
    auto fetcher =
        https::HttpsPolicyFetcher::open(loop_, own_dns_->resolver(), fetcher_options(config.https));
    if (!fetcher) return refuse(bad_config, std::move(fetcher.error()));
    fetcher_ = std::make_unique<https::Replaceable>(*std::move(fetcher));
    return {};
}

Platform::Step Platform::open_store(const StartOptions& options, const config::Config& config) {
    auto server = find_server(config);
    if (!server) return refuse(bad_config, std::move(server.error()));
    // All else is there, so the gap is short: the store is one daemon's own.
    if (auto ended = end_predecessor(); !ended) return ended;
    if (options.take_over) await_store(config.state_dir);
    auto stores = Stores::open(loop_, config, *std::move(server), *clock_, *log_);
    if (!stores) return refuse(bad_config, std::move(stores.error()));
    stores_ = std::make_unique<Stores>(*std::move(stores));
    return {};
}

Platform::Step Platform::end_predecessor() {
    if (!sockets_.predecessor) return {};
    if (auto ended = sockets_.predecessor->end(); !ended)
        return refuse(cannot_listen, std::move(ended.error()));
    if (auto there = serve::bind_removed(sockets_.bound); !there)
        return refuse(cannot_listen, std::move(there.error()));
    return {};
}

} // namespace postseal::service
