// service/reload.h: the configuration read again, and what differs put into effect
//
// Everything new is built before anything is changed: a fault, in the file or in one that it names,
// leaves all as it was, is logged, and stays in error() until a reload succeeds. A resolver or
// fetcher is replaced if its settings or its files' contents differ; lookups in flight end with the
// old one. What cannot change at run time is named in Reloaded::needs_restart.
// Thread: the loop's. Reads files: some milliseconds.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "config/config.h"
#include "dns/unbound.h"
#include "engine/engine.h"
#include "engine/own_dns.h"
#include "engine/refresh.h"
#include "https/fetcher.h"
#include "https/replaceable.h"
#include "log/log.h"
#include "serve/listeners.h"
#include "serve/steering.h"

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postseal::service {

class Reload {
  public:
    struct Dependencies {
        async::UvLoop& loop;
        Log& log;
        engine::OwnDns& own_dns;
        https::Replaceable& fetcher;
        engine::Engine& engine;
        engine::Refresh& refresh;
        serve::Shared& shared;
        serve::Listeners& listeners;
    };
    struct File {
        std::function<std::expected<config::Config, std::string>()> load;
        // Of what it names too, each with its place.
        std::function<std::vector<config::Error>()> all_errors;
    };
    // `now`, `overrides`: what the parts were built from.
    Reload(const Dependencies& dependencies, File file, config::Config now,
           engine::Overrides overrides);

    serve::Reloaded run();
    // Only the overrides, from the file that the present configuration names.
    serve::ReloadedOverrides run_overrides();
    // Those that all nodes of a fleet share; the file's win. A line at fault is logged and left
    // out.
    void share(const std::string& lines);
    // Those entries of the file that are worth a warning.
    void log_notes() const { log_notes(overrides_); }
    // Of the last run; empty: it went well.
    [[nodiscard]] const std::string& error() const { return error_; }
    // What is in force.
    [[nodiscard]] const config::Config& config() const { return now_; }

  private:
    // All that is new; null: stays as it is.
    struct Next {
        config::Config config;
        engine::Overrides overrides;
        std::string dns_files;
        std::string https_files;
        std::shared_ptr<dns::Unbound> resolver;
        std::shared_ptr<https::HttpsPolicyFetcher> fetcher;
        std::vector<serve::Bound> listeners;
    };
    [[nodiscard]] std::expected<Next, std::string> build();
    [[nodiscard]] std::string with_place(std::string error) const;
    [[nodiscard]] std::vector<std::string> differences(const Next& next) const;
    void note_failure(std::string error);
    void log_notes(const engine::Overrides& overrides) const;
    void apply(Next next);
    void replace_resolver(std::shared_ptr<dns::Unbound> resolver, const config::Dns& dns);

    Dependencies dependencies_;
    File file_;
    config::Config now_;
    engine::Overrides overrides_; // the file's
    engine::Overrides shared_;    // the fleet's
    std::string dns_files_;
    std::string https_files_;
    std::string error_;
    async::Group warm_ups_; // last
};

} // namespace postseal::service
