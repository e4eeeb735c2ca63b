// serve/steering.h: what the admin socket can have done to the daemon as a whole
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace postseal::serve {

struct Reloaded {
    std::string error;                      // not empty: nothing has changed
    std::vector<std::string> changed;       // tables and keys whose new values count now
    std::vector<std::string> needs_restart; // keys whose old values count until then
};

struct ReloadedOverrides {
    std::string error;                // not empty: nothing has changed
    std::vector<std::string> changed; // keys
    std::size_t count = 0;            // in the file
};

class Steering {
  public:
    virtual ~Steering() = default;
    virtual async::Task<Reloaded> reload() = 0;
    virtual async::Task<ReloadedOverrides> reload_overrides() = 0;

    // For a successor: the listening sockets, which stay ours, too. None: we are ending already.
    // Error: why they cannot be obtained.
    [[nodiscard]] virtual std::expected<std::vector<int>, std::string> hand_over() = 0;
    // The successor is ready: end, and leave the sockets' files to it.
    virtual void give_way() = 0;
};

} // namespace postseal::serve
