// serve/daemon_status.h: what the http listener shows of the daemon as a whole
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"

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
    // JSON, for the status page: see observe/status_json.h
    virtual async::Task<std::string> status() = 0;
};

} // namespace postseal::serve
