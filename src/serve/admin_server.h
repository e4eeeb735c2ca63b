// serve/admin_server.h: the admin socket: a JSON object a line in, one a line out
//
//   {"command":"query","key":"example.com","map":"postfix"}
//   {"ok":true,"kind":"ok","text":"secure match=..."}          kind: ok, not-found, temp
//   {"command":"explain","key":"example.com"}
//   {"ok":true,"explain":{...}}                                see engine/explain.h
//   {"command":"status"}
//   {"ok":true,"status":{...}}
//   anything else: {"ok":false,"error":"...","fault":"usage"}
// A line is at most 64 KiB; a longer one closes the connection.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "serve/connection.h"

#include <functional>
#include <string>
#include <string_view>

namespace postseal::serve {

class AdminServer final : public Protocol {
  public:
    // `status` gives the members of the status object as JSON text.
    AdminServer(engine::Engine& engine, std::function<std::string()> status)
        : engine_(engine), status_(std::move(status)) {}

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    async::Task<> answer(Connection& connection, Connection::Place place, std::string line);
    async::Task<std::string> carry_out(std::string line);
    async::Task<std::string> query(std::string key, std::string map);
    async::Task<std::string> explain(std::string key);

    engine::Engine& engine_;
    std::function<std::string()> status_;
};

} // namespace postseal::serve
