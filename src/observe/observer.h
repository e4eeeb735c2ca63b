// observe/observer.h: the daemon as its http listener shows it
//
// Gathers what the parts count themselves. What cannot be counted here, since it lies in parts that
// are built on this one, is in Dependencies as a function.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/measured.h"
#include "dns/root_check.h"
#include "engine/engine.h"
#include "engine/refresh.h"
#include "https/measured.h"
#include "observe/loop_lag.h"
#include "observe/samples.h"
#include "observe/store_summary.h"
#include "serve/counters.h"
#include "serve/daemon_status.h"
#include "serve/listeners.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace postseal::observe {

struct DnsQuestions {
    std::size_t asked = 0;   // with libunbound
    std::size_t waiting = 0; // behind them
};

// All of it outlives the observer.
struct Dependencies {
    async::Loop& loop;
    const engine::Engine& engine;
    store::Archive& archive;
    const engine::Refresh& refresh;
    const serve::Listeners& listeners;
    const dns::Measured& resolver;
    const https::Measured& fetcher;
    std::function<serve::Totals()> counted;
    std::function<DnsQuestions()> questions;
    std::function<std::vector<serve::PartHealth>()> health; // beside store and DNS
    std::function<dns::RootFault()> validation;
};

class Observer final : public serve::DaemonStatus {
  public:
    explicit Observer(Dependencies dependencies);

    [[nodiscard]] std::vector<serve::PartHealth> health() override;
    async::Task<std::string> metrics() override;
    async::Task<std::string> status() override;

    // For metrics_text() and status_json().
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
