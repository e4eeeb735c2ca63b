// SPDX-License-Identifier: BSD-3-Clause
#include "service/reload.h"

#include "config/file.h"
#include "dns/system_files.h"
#include "engine/override_notes.h"
#include "service/descriptors.h"
#include "service/part_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ranges>
#include <utility>

namespace postseal::service {
namespace {

// Told apart by their whole contents: they are small.
std::string contents(const std::vector<std::string>& paths) {
    std::string all;
    for (const std::string& path : paths)
        all += fmt::format("{}\n{}\n", path, config::read_file(path).value_or(""));
    return all;
}

std::string dns_files(const config::Dns& dns) {
    std::vector<std::string> paths;
    for (const std::string& anchor : dns.trust_anchor)
        if (anchor != dns::system_word)
            paths.push_back(anchor);
        else
            paths.insert(paths.end(), dns::trust_anchor_places().begin(),
                         dns::trust_anchor_places().end());
    if (const std::string hints = dns::root_hints_file(dns.root_hints); !hints.empty())
        paths.push_back(hints);
    return contents(paths);
}

std::string https_files(const config::Https& https) {
    return https.ca_file.empty() ? std::string() : contents({https.ca_file});
}

// Without what they have from [verdict].
std::vector<config::Map> own_maps(const config::Config& config) {
    std::vector<config::Map> maps = config.maps;
    for (config::Map& map : maps)
        if (map.verdict == config.verdict) map.verdict = {};
    return maps;
}

async::Task<> bring_up(std::shared_ptr<dns::Unbound> resolver) { co_await resolver->round_trip(); }

} // namespace

Reload::Reload(const Dependencies& dependencies, File file, config::Config now,
               engine::Overrides overrides)
    : dependencies_(dependencies), file_(std::move(file)), now_(std::move(now)),
      overrides_(std::move(overrides)), dns_files_(dns_files(now_.dns)),
      https_files_(https_files(now_.https)), warm_ups_(dependencies_.loop) {}

serve::Reloaded Reload::run() {
    auto next = build();
    if (!next) {
        note_failure(std::move(next.error()));
        return {.error = error_};
    }
    serve::Reloaded done{.changed = differences(*next)};
    if (std::exchange(next->config.state_dir, now_.state_dir) != now_.state_dir)
        done.needs_restart.emplace_back("state_dir");
    if (std::exchange(next->config.store, now_.store) != now_.store)
        done.needs_restart.emplace_back("store");
    if (std::exchange(next->config.user, now_.user) != now_.user)
        done.needs_restart.emplace_back("user");
    if (std::exchange(next->config.sandbox, now_.sandbox) != now_.sandbox)
        done.needs_restart.emplace_back("sandbox");
    if (std::exchange(next->config.threads, now_.threads) != now_.threads)
        done.needs_restart.emplace_back("threads");
    apply(*std::move(next));
    error_.clear();
    log_notes();
    dependencies_.log.info(
        "reloaded", {{"changed", fmt::format("{}", fmt::join(done.changed, ","))},
                     {"needs_restart", fmt::format("{}", fmt::join(done.needs_restart, ","))}});
    return done;
}

serve::ReloadedOverrides Reload::run_overrides() {
    auto overrides = engine::Overrides::load(now_.overrides);
    if (!overrides) {
        note_failure(std::move(overrides.error()));
        return {.error = error_, .changed = {}};
    }
    serve::ReloadedOverrides done{
        .error = {}, .changed = overrides->differences(overrides_), .count = overrides->size()};
    dependencies_.engine.reconfigure(engine::Maps(now_), overrides->over(shared_),
                                     engine_options(now_));
    overrides_ = std::move(*overrides);
    error_.clear();
    log_notes();
    dependencies_.log.info(
        "reloaded", {{"changed", done.changed.empty() ? "" : "overrides"}, {"needs_restart", ""}});
    return done;
}

void Reload::share(const std::string& lines) {
    auto reading = engine::Overrides::read(lines, "shared overrides");
    for (const config::Error& fault : reading.faults)
        dependencies_.log.warning("shared-override", {{"reason", fault.message()}});
    shared_ = std::move(reading.overrides);
    log_notes(shared_);
    dependencies_.engine.reconfigure(engine::Maps(now_), overrides_.over(shared_),
                                     engine_options(now_));
}

void Reload::log_notes(const engine::Overrides& overrides) const {
    for (const config::Error& note : engine::override_notes(overrides))
        dependencies_.log.warning("override-without-end", {{"reason", note.message()}});
}

// As a start says it; the libraries know neither line nor key.
std::string Reload::with_place(std::string error) const {
    const auto errors = file_.all_errors();
    return errors.empty()
               ? std::move(error)
               : fmt::format(
                     "{}",
                     fmt::join(errors | std::views::transform(&config::Error::message), "; "));
}

void Reload::note_failure(std::string error) {
    error_ = std::move(error);
    dependencies_.log.error("reload-failed", {{"reason", error_}});
}

std::expected<Reload::Next, std::string> Reload::build() {
    auto config = file_.load();
    if (!config) return std::unexpected(std::move(config.error()));
    auto overrides = engine::Overrides::load(config->overrides);
    if (!overrides) return std::unexpected(std::move(overrides.error()));
    Next next{.config = *std::move(config), .overrides = *std::move(overrides)};
    next.dns_files = dns_files(next.config.dns);
    next.https_files = https_files(next.config.https);

    // An unbound.conf may include other files.
    if (next.config.dns != now_.dns || next.dns_files != dns_files_ ||
        !next.config.dns.unbound_conf.empty()) {
        auto opened = dns::Unbound::open(dependencies_.loop, unbound_options(next.config.dns));
        if (!opened) return std::unexpected(with_place(std::move(opened.error())));
        next.resolver = *std::move(opened);
    }
    // The system's trust store may have been renewed.
    if (next.config.https != now_.https || next.https_files != https_files_ ||
        next.config.https.ca_file.empty()) {
        auto opened =
            https::HttpsPolicyFetcher::open(dependencies_.loop, dependencies_.own_dns.resolver(),
                                            fetcher_options(next.config.https));
        if (!opened) return std::unexpected(with_place(std::move(opened.error())));
        next.fetcher = *std::move(opened);
    }
    // The last that can fail: it touches files.
    auto listeners = dependencies_.listeners.prepare(next.config.listen);
    if (!listeners) return std::unexpected(std::move(listeners.error()));
    next.listeners = *std::move(listeners);
    return next;
}

std::vector<std::string> Reload::differences(const Next& next) const {
    std::vector<std::string> changed;
    const auto note = [&](bool same, const char* name) {
        if (!same) changed.emplace_back(name);
    };
    const config::Config& config = next.config;
    note(config.listen == now_.listen, "listen");
    note(own_maps(config) == own_maps(now_), "map");
    note(config.verdict == now_.verdict, "verdict");
    note(config.delegation == now_.delegation, "delegation");
    note(next.overrides.differences(overrides_).empty(), "overrides");
    note(config.dns == now_.dns && next.dns_files == dns_files_, "dns");
    note(config.https == now_.https && next.https_files == https_files_, "https");
    note(config.cache_memory == now_.cache_memory, "cache");
    note(config.limits == now_.limits, "limits");
    note(config.log == now_.log, "log");
    return changed;
}

void Reload::apply(Next next) {
    const config::Config& config = next.config;
    dependencies_.log.reconfigure(config.log);
    const engine::Options options = engine_options(config);
    dependencies_.engine.reconfigure(engine::Maps(config), next.overrides.over(shared_), options);
    dependencies_.refresh.reconfigure(engine::RefreshLimits::within(options));
    if (next.resolver) replace_resolver(std::move(next.resolver), config.dns);
    if (next.fetcher) dependencies_.fetcher.replace(std::move(next.fetcher));
    if (config.limits.connections != now_.limits.connections) {
        if (const auto warning = raise_descriptor_limit(config.limits.connections))
            dependencies_.log.warning("descriptors", {{"reason", *warning}});
        dependencies_.shared.limit(config.limits.connections);
    }
    dependencies_.shared.reply_memory().limit(config.limits.reply_memory);
    dependencies_.listeners.apply(config.listen, std::move(next.listeners));
    now_ = std::move(next.config);
    overrides_ = std::move(next.overrides);
    dns_files_ = std::move(next.dns_files);
    https_files_ = std::move(next.https_files);
}

void Reload::replace_resolver(std::shared_ptr<dns::Unbound> resolver, const config::Dns& dns) {
    warm_ups_.start(bring_up(resolver));
    dependencies_.own_dns.replace(std::move(resolver), unbound_options(dns));
}

} // namespace postseal::service
