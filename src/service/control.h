// service/control.h: what signals and the admin socket can have done to the daemon
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/steering.h"
#include "service/ending.h"
#include "service/reload.h"
#include "service/status_line.h"

namespace postseal::service {

class Control final : public serve::Steering {
  public:
    struct Dependencies {
        async::UvLoop& loop;
        Log& log;
        Systemd& systemd;
        Reload& reload;
        serve::Listeners& listeners;
        Ending& ending;
        StatusLine& status_line;
    };
    explicit Control(const Dependencies& dependencies) : dependencies_(dependencies) {}

    serve::Reloaded reload_now();
    void end();

    async::Task<serve::Reloaded> reload() override;
    async::Task<serve::ReloadedOverrides> reload_overrides() override;
    [[nodiscard]] std::expected<std::vector<int>, std::string> hand_over() override;
    void give_way() override;

  private:
    Dependencies dependencies_;
};

} // namespace postseal::service
