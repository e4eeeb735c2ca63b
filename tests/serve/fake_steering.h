// serve/fake_steering.h: a daemon that does what it is told by saying so
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/steering.h"

#include <string>
#include <vector>

namespace postseal::test {

struct FakeSteering final : serve::Steering {
    async::Task<serve::Reloaded> reload() override {
        reloads++;
        co_return reloaded;
    }
    async::Task<serve::ReloadedOverrides> reload_overrides() override {
        co_return serve::ReloadedOverrides{
            .error = overrides_error, .changed = {"a.example"}, .count = 2};
    }
    std::expected<std::vector<int>, std::string> hand_over() override { return handed; }
    void give_way() override { ended = true; }

    serve::Reloaded reloaded;
    std::string overrides_error;
    std::vector<int> handed{0, 1};
    int reloads = 0;
    bool ended = false;
};

} // namespace postseal::test
