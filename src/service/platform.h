// service/platform.h: what the daemon stands on, all of which a start can be refused
//
// Signals, listening sockets, the user, the sandbox, the log, DNS, HTTPS and the store, opened in
// the order in which each needs what is before it: sockets before the user is switched, the sandbox
// before the first thread, a predecessor's end last before the store.
// Thread: the main one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "config/config.h"
#include "engine/clock.h"
#include "engine/own_dns.h"
#include "https/replaceable.h"
#include "log/log.h"
#include "service/confinement.h"
#include "service/sockets.h"
#include "service/stores.h"
#include "service/systemd.h"

#include <csignal>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postseal::service {

struct StartOptions {
    std::string config_file;
    bool take_over = false; // of the daemon that runs
};

// Why it does not start.
struct Refusal {
    int status = 0; // exit status
    std::string reason;
};

// SIGTERM, SIGINT and SIGHUP. One that comes early counts when the loop turns.
class Signals {
  public:
    explicit Signals(async::UvLoop& loop)
        : terminate_(loop, SIGTERM, [this] { end(); }), interrupt_(loop, SIGINT, [this] { end(); }),
          hang_up_(loop, SIGHUP, [this] { reload(); }) {}

    // Both are set before the loop turns.
    std::function<void()> end;
    std::function<void()> reload;

  private:
    async::SignalWatch terminate_;
    async::SignalWatch interrupt_;
    async::SignalWatch hang_up_;
};

class Platform {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<Platform>, Refusal>
    open(const StartOptions& options, const config::Config& config);

    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;
    ~Platform() = default;

    [[nodiscard]] async::UvLoop& loop() { return loop_; }
    [[nodiscard]] Signals& signals() { return signals_; }
    [[nodiscard]] Systemd& systemd() { return systemd_; }
    [[nodiscard]] const engine::Clock& clock() const { return *clock_; }
    [[nodiscard]] const Confinement& confinement() const { return confinement_; }
    [[nodiscard]] Log& log() { return *log_; }
    [[nodiscard]] engine::OwnDns& own_dns() { return *own_dns_; }
    [[nodiscard]] https::Replaceable& fetcher() { return *fetcher_; }
    [[nodiscard]] Stores& stores() { return *stores_; }
    // Once.
    [[nodiscard]] std::vector<serve::Bound> take_sockets() { return std::move(sockets_.bound); }

  private:
    Platform() = default;
    using Step = std::expected<void, Refusal>;
    Step open_sockets(const StartOptions& options, const config::Config& config);
    void confine_process(const StartOptions& options, const config::Config& config);
    Step open_clients(const config::Config& config);
    Step open_store(const StartOptions& options, const config::Config& config);
    Step end_predecessor();

    async::UvLoop loop_;
    Signals signals_{loop_};
    Systemd systemd_;
    Sockets sockets_;
    std::unique_ptr<engine::SystemClock> clock_; // reads what the sandbox does not show
    Confinement confinement_;
    std::unique_ptr<Log> log_;
    std::unique_ptr<engine::OwnDns> own_dns_;
    std::unique_ptr<https::Replaceable> fetcher_;
    std::unique_ptr<Stores> stores_;
};

} // namespace postseal::service
