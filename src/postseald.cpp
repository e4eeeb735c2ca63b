// postseald: gives Postfix its per-destination TLS policy, see postseald(8)
//
// Builds everything, in order, and turns the loop until SIGTERM, SIGINT or a successor.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/uv_loop.h"
#include "config/config.h"
#include "dns/measured.h"
#include "dns/second_opinion.h"
#include "engine/engine.h"
#include "engine/from_config.h"
#include "engine/housekeeping.h"
#include "engine/json.h"
#include "engine/own_dns.h"
#include "engine/refresh.h"
#include "fleet/fleet_store.h"
#include "https/measured.h"
#include "log/log.h"
#include "observe/observer.h"
#include "postseal/base/text.h"
#include "serve/configuration_json.h"
#include "serve/descriptors.h"
#include "serve/privileges.h"
#include "serve/protocols.h"
#include "serve/stations.h"
#include "service/control.h"
#include "service/predecessor.h"
#include "service/sandbox.h"
#include "service/syscalls.h"
#include "service/watchdog.h"
#include "store/sqlite.h"
#include "version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>

namespace {

using namespace postseal;
using namespace std::chrono_literals;

constexpr int bad_config = 78;
constexpr int unavailable = 69;

struct Arguments {
    std::string config_file;
    bool check = false;
    bool take_over = false;
};

// Why it does not start. Told when the log is written out, so that it is the last line.
struct Refusal {
    int status = 0;
    std::string reason;
};

std::unexpected<Refusal> refuse(int status, std::string reason) {
    return std::unexpected(Refusal{.status = status, .reason = std::move(reason)});
}

std::expected<config::Config, std::string> load_config(const std::string& file) {
    auto config = config::load(file);
    if (!config) return std::unexpected(config.error().message());
    return std::move(*config);
}

Json shared_json(const std::optional<store::SharedStatus>& shared) {
    if (!shared) return nullptr;
    return {{"place", shared->place},
            {"node", shared->node},
            {"up", shared->up},
            {"behind_ms", shared->behind.count()},
            {"unshared", shared->unshared}};
}

Json validation_json(const engine::OwnDns& own_dns) {
    const dns::ValidationHealth& health = own_dns.health();
    return {{"state", to_string(health.state())},
            {"fault", to_string(health.last().fault)},
            {"reason", health.last().reason},
            {"fix", health.last().fix},
            {"servers", to_string(own_dns.asked())}};
}

Json classes_json(const serve::QueryTotals& queries) {
    Json out = Json::object();
    for (const serve::CountedClass cls : serve::counted_classes)
        out[std::string(serve::to_string(cls))] = queries.of_class(cls);
    return out;
}

// Every part: one without a trouble is as it should be.
Json health_json(observe::Observer& observer) {
    Json out = Json::array();
    for (const serve::PartHealth& part : observer.health())
        out.push_back({{"part", part.part}, {"trouble", part.trouble}});
    return out;
}

std::string status_json(const engine::Engine& engine, const serve::Totals& counters,
                        const serve::Shared& shared, const store::Store& store,
                        const engine::OwnDns& own_dns, const service::Reload& reload,
                        observe::Observer& observer) {
    const store::Status stored = store.status();
    const milliseconds up = engine.sources().clock.now() - observer.started();
    return Json{{"version", POSTSEAL_VERSION},
                {"started_at", rfc3339(observer.started())},
                {"uptime_s", std::chrono::floor<seconds>(up).count()},
                {"classes", classes_json(counters.by_map)},
                {"health", health_json(observer)},
                {"queries", counters.queries},
                {"socketmap_queries", counters.socketmap},
                {"tcp_table_queries", counters.tcp_table},
                {"delegation_queries", counters.delegation},
                {"cached", counters.cached},
                {"looked_up", counters.looked_up},
                {"no_nexthop", counters.no_nexthop},
                {"unknown_map", counters.unknown_map},
                {"connections", shared.connections()},
                {"answers_in_memory", engine.cached()},
                {"memory_octets", engine.cache_octets()},
                {"lookups_at_work", engine.in_the_air()},
                {"downgrades", engine.downgrades().count()},
                {"last_downgrade", engine.downgrades().last()},
                {"clock_confirmed_by", to_string(engine.clock_watch().confirmed_by())},
                {"degraded", stored.degraded},
                {"degraded_reason", stored.reason},
                {"store_unread", stored.unread},
                {"validation", validation_json(own_dns)},
                {"shared_store", shared_json(stored.shared)},
                {"reload_error", reload.error()},
                {"configuration", serve::configuration_json(reload.config())}}
        .dump();
}

// The round trips that the watchdog waits for. The loop is shown by the feeding itself.
async::Task<bool> through_resolver(std::shared_ptr<dns::Unbound> resolver) {
    co_return co_await resolver->round_trip();
}

async::Task<bool> through_store(store::Store& store) {
    co_await store.next_refreshes(1);
    co_return true;
}

std::string validation_trouble(const engine::OwnDns& own_dns) {
    const dns::ValidationHealth& health = own_dns.health();
    if (health.state() != dns::ValidationHealth::State::failing) return {};
    return own_fault_clause(health.last());
}

std::string status_line(const engine::Engine& engine, const serve::Listeners& listeners,
                        const store::Store& store, const engine::OwnDns& own_dns,
                        const service::Reload& reload) {
    std::string line = fmt::format("{} listeners, {} domains in memory",
                                   listeners.addresses().size(), engine.cached());
    if (const store::Status stored = store.status(); stored.degraded)
        line += "; degraded: " + stored.reason;
    if (const std::string trouble = validation_trouble(own_dns); !trouble.empty())
        line += "; " + trouble;
    if (!reload.error().empty()) line += "; reload failed: " + reload.error();
    return printable(line, 500);
}

std::vector<serve::PartHealth> health(const service::Reload& reload,
                                      const service::Watchdog& watchdog,
                                      const engine::OwnDns& own_dns,
                                      const engine::ClockWatch& clock) {
    const std::vector<std::string>& warnings = own_dns.now()->warnings();
    const auto stuck = [&](std::string_view part) {
        return std::string(watchdog.stuck(part) ? "does not answer" : "");
    };
    return {{"configuration", reload.error()},
            {"resolver", stuck("resolver")},
            {"worker", stuck("store")},
            {"threads", stuck("serving threads")},
            {"trust-anchor", warnings.empty() ? "" : warnings.front()},
            {"validation", validation_trouble(own_dns)},
            {"clock", "",
             clock.confirmed() ? ""
                               : "not confirmed yet, so no policy expires by it; see THE CLOCK in "
                                 "postseald(8)"}};
}

std::string admin_socket(const config::Config& config) {
    for (const config::Listen& listen : config.listen)
        if (listen.protocol == config::Protocol::admin) return listen.address.path;
    return std::string(config::default_admin_socket);
}

struct Sockets {
    std::optional<service::Predecessor> predecessor; // must end before the store is opened
    std::vector<serve::Bound> bound;
    std::vector<std::string> complaints; // about what was passed to us
};

// Passed by systemd, handed over by the daemon that we take over from, or bound now.
std::expected<Sockets, std::string> listening_sockets(const Arguments& arguments,
                                                      const config::Config& config,
                                                      service::Systemd& systemd) {
    Sockets sockets;
    serve::Inherited passed = systemd.passed(sockets.complaints);
    if (arguments.take_over) {
        auto found = service::Predecessor::find(admin_socket(config), config.user);
        if (!found) return std::unexpected(std::move(found.error()));
        sockets.predecessor = *std::move(found);
    }
    serve::Inherited& inherited = sockets.predecessor ? sockets.predecessor->listeners() : passed;
    auto bound = serve::bind_all(config.listen, inherited);
    if (!bound) return std::unexpected(std::move(bound.error()));
    sockets.bound = *std::move(bound);
    for (const std::string& address : inherited.addresses()) {
        sockets.complaints.push_back("no [[listen]] names " + address);
        systemd.forget(address);
    }
    return sockets;
}

// What the process has given up.
struct Confined {
    bool root = false;
    std::optional<service::Access> granted; // empty: all that its user may
    std::expected<int, std::string> landlock{0};
    std::expected<void, std::string> calls;

    void tell(Log& log) const {
        if (root) log.warning("runs-as-root", {{"reason", "name a user of its own (key user)"}});
        if (!landlock) log.warning("no-sandbox", {{"reason", landlock.error()}});
        if (!calls) log.warning("no-sandbox", {{"reason", calls.error()}});
        if (granted)
            log.info("sandbox",
                     {{"landlock", std::to_string(*landlock)}, {"seccomp", calls ? "yes" : "no"}});
    }
};

// Before the first thread. What is open stays open; the predecessor's sockets are ours to remove.
Confined confine(const Arguments& arguments, const config::Config& config, Sockets& sockets) {
    Confined confined{.root = ::geteuid() == 0};
    serve::drop_capabilities();
    serve::give_up_for_good();
    if (!config.sandbox.enabled) return confined;
    serve::hide_memory();
    service::Access access = service::needed_access(config, arguments.config_file);
    if (sockets.predecessor)
        service::add_sockets(sockets.predecessor->listeners().addresses(), access);
    confined.landlock = service::restrict_access(access);
    if (confined.landlock) confined.granted = std::move(access);
    confined.calls = service::restrict_calls(); // last: it needs fewer than what is before it
    return confined;
}

// On reload: what could not be opened is told before anything is tried.
std::expected<config::Config, std::string>
load_within(const std::string& file, const std::optional<service::Access>& granted) {
    auto config = load_config(file);
    if (!config || !granted) return config;
    config::Config named = *config;
    named.sandbox = {}; // a change there needs a restart, as one of state_dir does
    named.store = "sqlite";
    if (const auto path = service::beyond(*granted, service::needed_access(named, file)))
        return std::unexpected(fmt::format("{} is outside of what this process has been able to "
                                           "open since it started (sandbox): restart it",
                                           *path));
    return config;
}

// The daemon's own store, and around it the one of a fleet if there is one.
struct Stores {
    std::unique_ptr<store::Store> store;
    store::Store* own = nullptr;
    fleet::FleetStore* fleet = nullptr;
};

// Null: it has none.
std::expected<std::unique_ptr<fleet::Server>, std::string>
find_server(const config::Config& config) {
    if (!config::has_shared_store(config)) return nullptr;
    return fleet::Server::open(config.store);
}

std::expected<Stores, std::string> open_stores(async::UvLoop& loop, const config::Config& config,
                                               std::unique_ptr<fleet::Server> server,
                                               const engine::Clock& clock, Log& log) {
    const auto wall_clock = [&clock] { return clock.now(); };
    auto own = store::SqliteStore::open(
        loop, config.state_dir + "/postseal.db", wall_clock,
        [&log](const std::string& text) { log.error("store", {{"reason", text}}); });
    if (!own) return std::unexpected(std::move(own.error()));
    Stores stores{.own = own->get()};
    if (!server) {
        stores.store = *std::move(own);
        return stores;
    }
    auto shared = std::make_unique<fleet::FleetStore>(
        loop, *std::move(own), std::move(server), wall_clock,
        [&log](const std::string& text) { log.warning("shared-store", {{"reason", text}}); });
    stores.fleet = shared.get();
    stores.store = std::move(shared);
    return stores;
}

void tell_engine(const Stores& stores, engine::Engine& engine) {
    if (stores.fleet == nullptr) return;
    stores.fleet->on_news(
        {.policy = [&engine](const Domain& domain) { engine.outdate(domain); },
         .dane = [&engine](const std::string& nexthop) { engine.outdate(nexthop); }});
}

void share_overrides(const Stores& stores, service::Reload& reload) {
    if (stores.fleet == nullptr) return;
    stores.fleet->on_overrides([&reload](const std::string& lines) { reload.share(lines); });
    if (const std::string kept = stores.fleet->overrides(); !kept.empty()) reload.share(kept);
}

std::expected<int, Refusal> serve_until_told(const Arguments& arguments,
                                             const config::Config& config,
                                             const engine::Overrides& overrides) {
    // Before anybody can connect: a signal that comes early counts when the loop turns.
    async::UvLoop loop;
    service::Control* control = nullptr;
    const async::SignalWatch terminate(loop, SIGTERM, [&control] { control->end(); });
    const async::SignalWatch interrupt(loop, SIGINT, [&control] { control->end(); });
    const async::SignalWatch hang_up(loop, SIGHUP, [&control] { control->reload_now(); });

    service::Systemd systemd;
    auto sockets = listening_sockets(arguments, config, systemd);
    if (!sockets) return refuse(unavailable, std::move(sockets.error()));
    if (auto switched = serve::switch_user(config.user); !switched)
        return refuse(bad_config, std::move(switched.error()));

    const engine::SystemClock clock; // reads what the sandbox does not show
    const Confined confined = confine(arguments, config, *sockets);
    Log log(config.log, {.journal_reads = log::is_journal(2, std::getenv("JOURNAL_STREAM"))});
    for (const std::string& reason : sockets->complaints)
        log.warning("passed-socket", {{"reason", reason}});
    if (const auto warning = serve::raise_descriptor_limit(config.limits.connections))
        log.warning("descriptors", {{"reason", *warning}});
    auto opened_dns = engine::OwnDns::open(loop, engine::unbound_options(config.dns), clock, log);
    if (!opened_dns) return refuse(bad_config, std::move(opened_dns.error()));
    engine::OwnDns& own_dns = **opened_dns;
    auto https = https::HttpsPolicyFetcher::open(loop, own_dns.resolver(),
                                                 engine::fetcher_options(config.https));
    if (!https) return refuse(bad_config, std::move(https.error()));
    https::Replaceable fetcher(*std::move(https));
    auto server = find_server(config);
    if (!server) return refuse(bad_config, std::move(server.error()));
    // All else is there, so the gap is short: the store is one daemon's own.
    if (std::optional<service::Predecessor>& predecessor = sockets->predecessor; predecessor) {
        if (auto ended = predecessor->end(); !ended)
            return refuse(unavailable, std::move(ended.error()));
        if (auto there = serve::bind_removed(sockets->bound); !there)
            return refuse(unavailable, std::move(there.error()));
    }
    if (arguments.take_over) service::await_store(config.state_dir);
    const auto stores = open_stores(loop, config, *std::move(server), clock, log);
    if (!stores) return refuse(bad_config, stores.error());
    store::Store& store = *stores->store;
    engine::SystemRandom random;
    dns::SecondOpinion second_opinion(loop, own_dns.resolver(),
                                      [&own_dns] { return own_dns.open_anew(); });
    dns::Measured measured_resolver(loop, second_opinion);
    https::Measured measured_fetcher(loop, fetcher);
    const engine::Sources sources{loop, clock, measured_resolver, measured_fetcher, store,
                                  log,  random};
    const engine::Options options = engine::engine_options(config);
    engine::Engine engine(sources, engine::Maps(config), overrides, options);
    tell_engine(*stores, engine);
    engine.on_clock_jump([&own_dns] { own_dns.clock_jumped(); });
    own_dns.on_reconsider([&engine](const std::string& name) {
        if (const auto domain = Domain::parse(name)) engine.reconsider(*domain);
    });
    engine::Refresh refresh(engine, engine::RefreshLimits::within(options));
    const engine::Housekeeping housekeeping(engine.sources());

    serve::Shared shared(loop, config.limits.connections, config.limits.reply_memory);
    serve::Stations stations(loop, engine, config.threads);
    serve::Listeners listeners(stations.all(), log, shared, &systemd);
    service::Reload reload(
        {.loop = loop,
         .log = log,
         .own_dns = own_dns,
         .fetcher = fetcher,
         .engine = engine,
         .refresh = refresh,
         .shared = shared,
         .listeners = listeners},
        [&] { return load_within(arguments.config_file, confined.granted); }, config, overrides);
    share_overrides(*stores, reload);
    service::Ending ending(loop, listeners);
    service::StatusLine status(
        loop, systemd, [&] { return status_line(engine, listeners, store, own_dns, reload); });
    service::Control steering({.loop = loop,
                               .log = log,
                               .systemd = systemd,
                               .reload = reload,
                               .listeners = listeners,
                               .ending = ending,
                               .status_line = status});
    control = &steering;
    // Brings libunbound's thread up before the first question, too.
    const auto limit = systemd.watchdog();
    const service::Watchdog watchdog(
        loop, log, limit ? *limit / 2 : 10s,
        {{"resolver", [&own_dns] { return through_resolver(own_dns.now()); }},
         {"store", [&stores] { return through_store(*stores->own); }},
         {"serving threads", [&stations] { return stations.round_trip(); }}},
        [&systemd] { systemd.alive(); });
    observe::Observer observer(
        {.loop = loop,
         .engine = engine,
         .refresh = refresh,
         .listeners = listeners,
         .resolver = measured_resolver,
         .fetcher = measured_fetcher,
         .counted = [&stations] { return stations.counted(); },
         .questions =
             [&own_dns] {
                 const dns::Unbound& now = *own_dns.now();
                 return observe::DnsQuestions{.asked = now.in_flight(), .waiting = now.waiting()};
             },
         .health = [&] { return health(reload, watchdog, own_dns, engine.clock_watch()); },
         .validation = [&own_dns] { return own_dns.health().last().fault; }});
    const auto status_text = [&] {
        return status_json(engine, stations.counted(), shared, store, own_dns, reload, observer);
    };
    listeners.speak([&](const config::Listen& listen, serve::Station& station) {
        return serve::make_protocol(listen, {.engine = engine,
                                             .view = stations.view(station),
                                             .counters = station.counters(),
                                             .steering = steering,
                                             .views = observer,
                                             .status = status_text});
    });
    own_dns.start();
    listeners.apply(config.listen, std::move(sockets->bound));
    confined.tell(log);
    log.info("started",
             {{"version", POSTSEAL_VERSION}, {"overrides", std::to_string(overrides.size())}});
    status.ready();
    loop.run();
    async::block_signals({SIGHUP, SIGINT, SIGTERM});
    listeners.drop();
    log.info("stopped");
    return 0;
}

std::expected<int, Refusal> run(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{
        "Gives Postfix its per-destination TLS policy (DANE and MTA-STS); runs in the foreground.",
        "postseald"};
    app.set_version_flag("-V,--version", version_text("postseald"));
    app.add_option("-c,--config", arguments.config_file,
                   "configuration file (default /etc/postseal/postseal.toml, if it is there)");
    app.add_flag("--check", arguments.check, "read the configuration, say what is wrong, and end");
    app.add_flag("--take-over", arguments.take_over,
                 "go on in the place of the running daemon, with its listening sockets");
    app.footer(
        "Exit status: 0 ended by SIGTERM, SIGINT or a successor, 64 usage, 69 an address cannot be "
        "listened on, or the daemon to take over from does not give way, 70 internal error, "
        "78 configuration error.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }

    arguments.config_file = config::configured_file(arguments.config_file);
    auto config = load_config(arguments.config_file);
    if (!config) return refuse(bad_config, config.error());
    if (arguments.check) {
        const auto checked = engine::check_files(*config);
        if (!checked) return refuse(bad_config, checked.error());
        fmt::print("the configuration is good\n");
        return 0;
    }
    auto overrides = engine::Overrides::load(config->overrides);
    if (!overrides) return refuse(bad_config, overrides.error());
    std::signal(SIGPIPE, SIG_IGN);
    return serve_until_told(arguments, *config, *overrides);
}

} // namespace

int main(int argc, char** argv) {
    const auto fail = [](int status, const std::string& reason) {
        fmt::print(stderr, "postseald: {}\n", reason);
        return status;
    };
    try {
        const auto ended = run(argc, argv);
        return ended ? *ended : fail(ended.error().status, ended.error().reason);
    } catch (const std::exception& bug) {
        return fail(70, bug.what());
    }
}
