// service/status_line.h: what systemctl status shows of us, kept up to date
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "service/systemd.h"

#include <functional>
#include <string>
#include <utility>

namespace postseal::service {

class StatusLine {
  public:
    // `line` gives it; it is told when it has changed, at most every 10 s.
    StatusLine(async::Loop& loop, const Systemd& systemd, std::function<std::string()> line)
        : loop_(loop), systemd_(systemd), line_(std::move(line)), told_(line_()) {
        if (systemd_.active()) again();
    }
    void ready() { systemd_.ready(told_ = line_()); }

  private:
    void again() {
        timer_.start(loop_, milliseconds(10'000),
                     {[](void* self) { static_cast<StatusLine*>(self)->look(); }, this});
    }
    void look() {
        if (std::string now = line_(); now != told_) systemd_.status(told_ = std::move(now));
        again();
    }

    async::Loop& loop_;
    const Systemd& systemd_;
    std::function<std::string()> line_;
    std::string told_;
    async::Timer timer_;
};

} // namespace postseal::service
