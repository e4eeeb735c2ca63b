// serve/http_server.h: the http listener: what can be seen of the daemon, and nothing changed
//
//   GET /                status page       GET /healthz         200 ok, 503 degraded
//   GET /metrics         for Prometheus    GET /v1/policy/KEY   what `postseal explain --json` says
//   GET /v1/status       JSON for the page
// HTTP/1.1, GET and HEAD. A head must come whole within 10 s. Who names a host that we are not gets
// 421: a page from elsewhere whose name was made to point at us (DNS rebinding) reads nothing. At
// most 16 keys are explained at once.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "http/reply.h"
#include "http/request.h"
#include "serve/connection.h"
#include "serve/daemon_status.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

class HttpServer final : public Protocol {
  public:
    // `hosts`: names to answer for, beside addresses and localhost; lower case.
    HttpServer(engine::Engine& engine, DaemonStatus& daemon_status, std::vector<std::string> hosts)
        : engine_(engine), daemon_status_(daemon_status), hosts_(std::move(hosts)) {}
    void reconfigure(const config::Listen& listen) override { hosts_ = listen.hosts; }

    [[nodiscard]] milliseconds patience() const override { return milliseconds(10'000); }
    [[nodiscard]] std::string too_slow() const override;
    Step step(std::string_view bytes, Connection& connection) override;
    [[nodiscard]] std::size_t promised() const override { return Connection::max_owed; }

  private:
    using ReplySlot = Connection::ReplySlot;

    [[nodiscard]] bool is_ours(const std::optional<std::string>& host) const;
    [[nodiscard]] std::string written(const http::Reply& reply, const http::Manner& manner) const;
    void route(const http::Request& request, const http::Manner& manner, Connection& connection);
    [[nodiscard]] std::string health(const http::Manner& manner);
    void explain(std::string_view coded, const http::Manner& manner, Connection& connection);

    async::Task<> send_metrics(Connection& connection, ReplySlot place, http::Manner manner);
    async::Task<> send_page_json(Connection& connection, ReplySlot place, http::Manner manner);
    async::Task<> send_policy(Connection& connection, ReplySlot place, http::Manner manner,
                              std::string key);

    engine::Engine& engine_;
    DaemonStatus& daemon_status_;
    std::vector<std::string> hosts_;
    std::size_t explaining_ = 0;
};

} // namespace postseal::serve
