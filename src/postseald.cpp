// postseald: gives Postfix its per-destination TLS policy, see postseald(8)
//
// Builds everything, in order, and turns the loop until SIGTERM or SIGINT.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/group.h"
#include "async/uv_loop.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/from_config.h"
#include "engine/refresh.h"
#include "log/log.h"
#include "serve/descriptors.h"
#include "serve/privileges.h"
#include "serve/protocols.h"
#include "serve/server.h"
#include "store/sqlite.h"
#include "version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <exception>
#include <filesystem>
#include <list>

namespace {

using namespace postseal;
using namespace std::chrono_literals;

constexpr int bad_config = 78;
constexpr int unavailable = 69;
constexpr milliseconds patience_at_end = 700ms; // for answers still owed at SIGTERM

struct Arguments {
    std::string config_file;
    bool check = false;
};

int fail(int status, const std::string& text) {
    fmt::print(stderr, "postseald: {}\n", text);
    return status;
}

std::expected<config::Config, std::string> load_config(const Arguments& arguments) {
    std::string file = arguments.config_file;
    std::error_code ignored;
    if (file.empty() && !std::filesystem::exists(config::default_file, ignored))
        return config::parse("", std::string(config::default_file)).value();
    if (file.empty()) file = config::default_file;
    auto config = config::load(file);
    if (!config) return std::unexpected(config.error().message());
    return std::move(*config);
}

using Bound = std::list<std::pair<const config::Listen*, std::vector<serve::Fd>>>;

std::expected<Bound, std::string> bind_all(const config::Config& config) {
    Bound bound;
    for (const config::Listen& listen : config.listen) {
        auto fds = serve::listen_on(listen);
        if (!fds) return std::unexpected(fds.error());
        bound.emplace_back(&listen, std::move(*fds));
    }
    return bound;
}

std::string status_json(const engine::Engine& engine, const serve::Counters& counters,
                        const serve::Shared& shared, const store::Store& store) {
    const store::Status stored = store.status();
    return nlohmann::ordered_json{{"version", POSTSEAL_VERSION},
                                  {"queries", counters.queries},
                                  {"socketmap_queries", counters.socketmap},
                                  {"tcp_table_queries", counters.tcp_table},
                                  {"delegation_queries", counters.delegation},
                                  {"cached", counters.cached},
                                  {"looked_up", counters.looked_up},
                                  {"no_nexthop", counters.no_nexthop},
                                  {"unknown_map", counters.unknown_map},
                                  {"connections", shared.connections},
                                  {"answers_in_memory", engine.cached()},
                                  {"lookups_at_work", engine.in_the_air()},
                                  {"downgrades", engine.downgrades().count()},
                                  {"last_downgrade", engine.downgrades().last()},
                                  {"degraded", stored.degraded},
                                  {"degraded_reason", stored.reason}}
        .dump();
}

// Ends the loop: listeners close, what is owed is answered for a moment, then run() returns.
class Ending {
  public:
    Ending(async::UvLoop& loop, std::list<serve::Server>& servers)
        : loop_(loop), servers_(servers) {}
    void begin() {
        if (begun_) return;
        begun_ = true;
        for (serve::Server& server : servers_)
            server.stop();
        limit_.start(loop_, patience_at_end,
                     {[](void* loop) { static_cast<async::UvLoop*>(loop)->stop(); }, &loop_});
        look();
    }

  private:
    void look() {
        std::size_t left = 0;
        for (const serve::Server& server : servers_)
            left += server.connections();
        if (left == 0) return loop_.stop();
        again_.start(loop_, 10ms, {[](void* self) { static_cast<Ending*>(self)->look(); }, this});
    }
    async::UvLoop& loop_;
    std::list<serve::Server>& servers_;
    async::Timer limit_;
    async::Timer again_;
    bool begun_ = false;
};

async::Task<> ask_once(dns::Resolver& resolver) {
    co_await resolver.resolve("localhost", dns::RrType::a);
}

int serve_until_told(const config::Config& config, const engine::Overrides& overrides) {
    // Before anybody can connect: a signal that comes early ends us cleanly when the loop turns.
    async::UvLoop loop;
    Ending* ending = nullptr;
    const async::SignalWatch terminate(loop, SIGTERM, [&ending] { ending->begin(); });
    const async::SignalWatch interrupt(loop, SIGINT, [&ending] { ending->begin(); });

    auto bound = bind_all(config);
    if (!bound) return fail(unavailable, bound.error());
    if (auto switched = serve::switch_user(config.user); !switched)
        return fail(bad_config, switched.error());

    Log log(config.log);
    if (const auto warning = serve::raise_descriptor_limit(config.limits.connections))
        log.warning("descriptors", {{"reason", *warning}});
    const engine::SystemClock clock;
    const engine::Maps maps(config);
    auto store = store::SqliteStore::open(
        loop, config.state_dir + "/postseal.db", [&clock] { return clock.now(); },
        [&log](const std::string& text) { log.error("store", {{"reason", text}}); });
    if (!store) return fail(bad_config, store.error());
    auto resolver = dns::Unbound::open(loop, engine::unbound_options(config.dns));
    if (!resolver) return fail(bad_config, resolver.error());
    for (const std::string& warning : (*resolver)->warnings())
        log.warning("dns", {{"reason", warning}});
    auto fetcher =
        https::HttpsPolicyFetcher::open(loop, **resolver, engine::fetcher_options(config.https));
    if (!fetcher) return fail(bad_config, fetcher.error());
    engine::SystemRandom random;
    const engine::Sources sources{loop, clock, **resolver, **fetcher, **store, log, random};
    const engine::Options options = engine::engine_options(config);
    engine::Engine engine(sources, maps, overrides, options);
    const engine::Refresh refresh(sources, engine, engine::RefreshLimits::within(options));

    serve::Shared shared(config.limits.connections);
    serve::Counters counters;
    const serve::Behind behind{engine, counters,
                               [&] { return status_json(engine, counters, shared, **store); }};
    std::list<serve::Server> servers;
    for (auto& [listen, fds] : *bound) {
        servers.emplace_back(loop, log, shared, listen->address, std::move(fds),
                             serve::make_protocol(*listen, behind), listen->idle);
        log.info("listening", {{"address", listen->address.text()},
                               {"protocol", std::string(to_string(listen->protocol))}});
    }

    // A name that libunbound answers by itself: its thread is up before the first question.
    async::Group warm_up(loop);
    warm_up.start(ask_once(**resolver));

    const async::SignalWatch reload(loop, SIGHUP, [&log] {
        log.warning("reload", {{"reason", "the configuration is read at the start only: restart"}});
    });
    Ending the_end(loop, servers);
    ending = &the_end;
    log.info("started",
             {{"version", POSTSEAL_VERSION}, {"overrides", std::to_string(overrides.size())}});
    loop.run();
    log.info("stopped");
    return 0;
}

int run(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{
        "Gives Postfix its per-destination TLS policy (DANE and MTA-STS); runs in the foreground.",
        "postseald"};
    app.set_version_flag("-V,--version", version_text("postseald"));
    app.add_option("-c,--config", arguments.config_file,
                   "configuration file (default /etc/postseal/postseal.toml, if it is there)");
    app.add_flag("--check", arguments.check, "read the configuration, say what is wrong, and end");
    app.footer(
        "Exit status: 0 ended by SIGTERM or SIGINT, 64 usage, 69 an address cannot be listened on, "
        "70 internal error, 78 configuration error.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }

    auto config = load_config(arguments);
    if (!config) return fail(bad_config, config.error());
    if (arguments.check) {
        const auto checked = engine::check_files(*config);
        if (!checked) return fail(bad_config, checked.error());
        fmt::print("the configuration is good\n");
        return 0;
    }
    auto overrides = engine::Overrides::load(config->overrides);
    if (!overrides) return fail(bad_config, overrides.error());
    std::signal(SIGPIPE, SIG_IGN);
    return serve_until_told(*config, *overrides);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& bug) {
        return fail(70, bug.what());
    }
}
