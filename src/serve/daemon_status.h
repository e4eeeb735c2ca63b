// serve/daemon_status.h: how the daemon is, for the http listener and for the tool
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "config/config.h"
#include "json/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

struct PartHealth {
    std::string_view part; // a word
    std::string trouble;   // a sentence; empty: it is healthy
    std::string note;      // what is worth knowing, and no trouble
};

// Of metrics(): Prometheus' text format.
inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

class DaemonStatus {
  public:
    virtual ~DaemonStatus() = default;
    // Every part there is.
    [[nodiscard]] virtual std::vector<PartHealth> health() = 0;
    virtual async::Task<std::string> metrics() = 0; // observe/registry.h
    // What is so now and what was counted since the start: see observe/status_json.h.
    [[nodiscard]] virtual Json status() = 0;
    // The same, and what the status page shows beside it: see observe/page_json.h.
    virtual async::Task<Json> page() = 0;
    [[nodiscard]] virtual const config::Config& configuration() const = 0; // in force
};

} // namespace postseal::serve
