// observe/observer.h: the daemon as its http listener and its tool show it
//
// Gathers what the parts count themselves. What cannot be counted here, since it lies in parts that
// are built on this one, is in Dependencies as a function.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/measured.h"
#include "engine/engine.h"
#include "engine/own_dns.h"
#include "engine/refresh.h"
#include "https/measured.h"
#include "observe/loop_lag.h"
#include "observe/samples.h"
#include "observe/store_summary.h"
#include "serve/counters.h"
#include "serve/daemon_status.h"
#include "serve/listeners.h"
#include "serve/shared.h"

#include <functional>
#include <string>
#include <vector>

namespace postseal::observe {

// All of it outlives the observer.
struct Dependencies {
    async::Loop& loop;
    const engine::Engine& engine;
    const engine::OwnDns& own_dns;
    store::Archive& archive;
    const engine::Refresh& refresh;
    const serve::Shared& shared;
    const serve::Listeners& listeners;
    const dns::Measured& resolver;
    const https::Measured& fetcher;
    std::function<serve::Totals()> counted;
    std::function<std::vector<serve::PartHealth>()> health; // beside store and DNS
    std::function<const config::Config&()> configuration;
    std::function<std::string()> reload_error; // empty: the last one was good
};

class Observer final : public serve::DaemonStatus {
  public:
    explicit Observer(Dependencies dependencies);

    [[nodiscard]] std::vector<serve::PartHealth> health() override;
    async::Task<std::string> metrics() override;
    [[nodiscard]] Json status() override;
    async::Task<Json> page() override;
    [[nodiscard]] const config::Config& configuration() const override {
        return dependencies_.configuration();
    }

    // For metrics_text(), status_json() and page_json().
    [[nodiscard]] const Dependencies& dependencies() const { return dependencies_; }
    [[nodiscard]] const StoreNumbers& kept() const { return kept_.kept(); }
    [[nodiscard]] const Samples& samples() const { return samples_; }
    [[nodiscard]] milliseconds loop_lag() const { return lag_.worst(); }
    [[nodiscard]] WallTime started() const { return started_; }

  private:
    [[nodiscard]] Totals totals() const;

    Dependencies dependencies_;
    WallTime started_;
    StoreSummary kept_;
    LoopLag lag_;
    Samples samples_;
};

} // namespace postseal::observe
