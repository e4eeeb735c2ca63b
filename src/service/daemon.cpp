// SPDX-License-Identifier: BSD-3-Clause
#include "service/daemon.h"

#include "serve/protocols.h"
#include "service/file_check.h"
#include "service/part_options.h"
#include "version.h"

#include <csignal>

namespace postseal::service {
namespace {

using namespace std::chrono_literals;

engine::RefreshLimits refresh_limits(const config::Config& config) {
    return engine::RefreshLimits::within(engine_options(config));
}

milliseconds watchdog_interval(const Systemd& systemd) {
    const auto limit = systemd.watchdog();
    return limit ? *limit / 2 : 10s;
}

// The round trips that the watchdog waits for. The loop is shown by the feeding itself.
async::Task<bool> through_resolver(std::shared_ptr<dns::Unbound> resolver) {
    co_return co_await resolver->round_trip();
}

async::Task<bool> through_store(store::Store& store) {
    co_await store.next_refreshes(1);
    co_return true;
}

} // namespace

Daemon::Daemon(Platform& platform, const std::string& config_file, const config::Config& config,
               const engine::Overrides& overrides)
    : platform_(platform), second_opinion_(platform.loop(), platform.own_dns().resolver(),
                                           [&platform] { return platform.own_dns().open_anew(); }),
      resolver_(platform.loop(), second_opinion_), fetcher_(platform.loop(), platform.fetcher()),
      engine_({platform.loop(), platform.clock(), resolver_, fetcher_, platform.stores().store(),
               platform.log(), random_},
              engine::Maps(config), overrides, engine_options(config)),
      refresh_(engine_, refresh_limits(config)), housekeeping_(engine_.dependencies()),
      shared_(platform.loop(), config.limits.connections, config.limits.reply_memory),
      stations_(platform.loop(), engine_, config.threads),
      listeners_(stations_.all(), platform.log(), shared_, &platform.systemd()),
      reload_({.loop = platform.loop(),
               .log = platform.log(),
               .own_dns = platform.own_dns(),
               .fetcher = platform.fetcher(),
               .engine = engine_,
               .refresh = refresh_,
               .shared = shared_,
               .listeners = listeners_},
              {.load =
                   [&platform, config_file] {
                       return load_within(config_file, platform.confinement().granted);
                   },
               .all_errors = [config_file] { return service::check_all(config_file).errors; }},
              config, overrides),
      ending_(platform.loop(), listeners_), status_({.engine = engine_,
                                                     .own_dns = platform.own_dns(),
                                                     .listeners = listeners_,
                                                     .store = platform.stores().store(),
                                                     .reload = reload_}),
      status_line_(platform.loop(), platform.systemd(), [this] { return status_.line(); }),
      control_({.loop = platform.loop(),
                .log = platform.log(),
                .systemd = platform.systemd(),
                .reload = reload_,
                .listeners = listeners_,
                .ending = ending_,
                .status_line = status_line_}),
      watchdog_(platform.loop(), platform.log(), watchdog_interval(platform.systemd()),
                watched_parts(), [&platform] { platform.systemd().alive(); }),
      observer_(observer_dependencies()) {
    connect_parts();
}

// What one part reports to another that is built after it.
void Daemon::connect_parts() {
    engine::OwnDns& own_dns = platform_.own_dns();
    platform_.signals().end = [this] { control_.end(); };
    platform_.signals().reload = [this] { control_.reload_now(); };
    platform_.stores().bring_news_to(engine_);
    platform_.stores().bring_overrides_to(reload_);
    engine_.on_clock_jump([&own_dns] { own_dns.clock_jumped(); });
    own_dns.on_reconsider([this](const std::string& name) {
        if (const auto domain = Domain::parse(name)) engine_.reconsider(*domain);
    });
    listeners_.speak([this](const config::Listen& listen, serve::Station& station) {
        return serve::make_protocol(listen, {.engine = engine_,
                                             .archive = platform_.stores().archive(),
                                             .engine_handle = stations_.engine_handle(station),
                                             .counters = station.counters(),
                                             .steering = control_,
                                             .daemon_status = observer_});
    });
}

std::vector<Watchdog::Part> Daemon::watched_parts() {
    // The resolver's brings libunbound's thread up before the first question, too.
    return {{"resolver", [this] { return through_resolver(platform_.own_dns().now()); }},
            {"store", [this] { return through_store(platform_.stores().own()); }},
            {"serving threads", [this] { return stations_.round_trip(); }}};
}

observe::Dependencies Daemon::observer_dependencies() {
    return {.loop = platform_.loop(),
            .engine = engine_,
            .own_dns = platform_.own_dns(),
            .archive = platform_.stores().archive(),
            .refresh = refresh_,
            .shared = shared_,
            .listeners = listeners_,
            .resolver = resolver_,
            .fetcher = fetcher_,
            .counted = [this] { return stations_.counted(); },
            .health = [this] { return status_.health(watchdog_); },
            .configuration = [this]() -> const config::Config& { return reload_.config(); },
            .reload_error = [this] { return reload_.error(); }};
}

void Daemon::run() {
    platform_.own_dns().start();
    listeners_.apply(reload_.config().listen, platform_.take_sockets());
    platform_.confinement().log_to(platform_.log());
    reload_.log_notes();
    platform_.log().info("started", {{"version", POSTSEAL_VERSION},
                                     {"overrides", std::to_string(engine_.overrides().size())}});
    status_line_.ready();
    platform_.loop().run();
    async::block_signals({SIGHUP, SIGINT, SIGTERM});
    listeners_.drop();
    platform_.log().info("stopped");
}

} // namespace postseal::service
