// serve/admin_server.h: the admin socket: a JSON object a line in, one a line out
//
//   {"command":"query","key":"example.com","map":"postfix"}
//   {"ok":true,"kind":"ok","text":"secure match=..."}          kind: ok, not-found, temp
//   {"command":"explain","key":"example.com"}
//   {"ok":true,"explain":{...}}                                see engine/explain.h
//   {"command":"status"}
//   {"ok":true,"status":{...}}
//   {"command":"reload"}
//   {"ok":true,"changed":["dns"],"needs_restart":["user"]}     tables and keys
//   {"ok":false,"error":"...","fault":"config"}
//   {"command":"reload-overrides"}
//   {"ok":true,"changed":["example.com"],"overrides":2}        keys; how many there are
//   show, list, history, refresh, forget, import: see serve/admin_memory.h
//   {"command":"hand-over"}, {"command":"give-way"}            for postseald --take-over
//   {"ok":true}                                                descriptors: see Steering::hand_over
//   anything else: {"ok":false,"error":"...","fault":"usage"}
// Commands that change something are for root and the daemon's own user, by the credentials of the
// other end; others get {"ok":false,"error":"...","fault":"permission"}.
// A line is at most 256 KiB; a longer one closes the connection. A client's commands are carried
// out one after the other; of those that take much memory (list, history, a long line) two at once.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "engine/engine.h"
#include "serve/admin_memory.h"
#include "serve/connection.h"
#include "serve/daemon_status.h"
#include "serve/steering.h"
#include "json/json.h"

#include <string>
#include <string_view>

namespace postseal::serve {

class AdminServer final : public Protocol {
  public:
    AdminServer(engine::Engine& engine, store::Archive& archive, Steering& steering,
                DaemonStatus& daemon_status)
        : engine_(engine), memory_(engine, archive), large_(engine.dependencies().loop, max_large),
          steering_(steering), daemon_status_(daemon_status) {}

    Step step(std::string_view bytes, Connection& connection) override;
    [[nodiscard]] std::size_t promised() const override { return Connection::max_owed; }

  private:
    static constexpr std::size_t max_large = 2;
    async::Task<> answer(Connection& connection, Connection::ReplySlot place, std::string line);
    async::Task<std::string> carry_out(const Json& request);
    async::Task<std::string> of_memory(std::string command, Json request);
    async::Task<std::string> reload();
    async::Task<std::string> reload_overrides();
    std::string hand_over(Connection& connection, Connection::ReplySlot place);
    async::Task<std::string> query(std::string key, std::string map);
    async::Task<std::string> explain(std::string key);

    engine::Engine& engine_;
    AdminMemory memory_;
    async::Limiter large_; // what takes much memory while it is carried out
    Steering& steering_;
    DaemonStatus& daemon_status_;
};

} // namespace postseal::serve
