// serve/fake_steering.h: a daemon that does what it is told by saying so
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/steering.h"

#include <fcntl.h>

#include <string>

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
    std::expected<HandOver, std::string> hand_over() override {
        return HandOver{.process = serve::Fd(::open("/dev/null", O_RDONLY)), .sockets = {0, 1}};
    }
    void give_way() override { ended = true; }

    serve::Reloaded reloaded;
    std::string overrides_error;
    int reloads = 0;
    bool ended = false;
};

} // namespace postseal::test
