// serve/server.h: one listener: accepts clients and deals them to the serving threads
//
// A client goes to the station that has the fewest, and stays there; so the listening sockets are
// the main thread's alone, and are handed on whole. Over the limit of connections new clients wait
// in the kernel's queue, unless room can be made (Shared::on_crowded()).
// stop() accepts nobody and, from a later turn on, takes no more requests than Connection::finish()
// does; what is owed is still answered. The file of a unix socket stays.
// Thread: main.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "log/log.h"
#include "serve/clients.h"
#include "serve/shared.h"
#include "serve/socket.h"
#include "serve/station.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postseal::serve {

class Server {
  public:
    // Called for each station, on the main thread.
    using MakeProtocol = std::function<std::unique_ptr<Protocol>(const config::Listen&, Station&)>;
    // `stations`: the main thread's first, at least that; they outlive the Server.
    Server(std::vector<Station*> stations, Log& log, Shared& shared, const config::Listen& listen,
           std::vector<Fd> listeners, const MakeProtocol& make);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() = default;

    void reconfigure(const config::Listen& listen);
    void stop();
    // After stop(): who has not asked yet may not any more.
    void hurry();
    // stop(), but the listening sockets go to another.
    [[nodiscard]] std::vector<Fd> release();
    [[nodiscard]] std::vector<int> listening() const;
    // There may be room for clients, or none any more.
    void watch_listeners();
    [[nodiscard]] std::size_t connections() const { return places_->taken; }
    [[nodiscard]] bool is_of(const Shared& shared) const { return &shared_ == &shared; }
    // Of a server on the main thread only: since when its longest idle connection is, and its end.
    [[nodiscard]] std::optional<MonoTime> idle_since();
    void drop_idle();

  private:
    struct Listener {
        Listener(Server& server, Fd listening);
        Server& owner;
        Fd fd;
        async::FdWatch watch;
    };
    void accept_from(Listener& listener);
    void deal(Fd client);
    void finish_all(Connection::Finish how);
    void look_again();

    async::UvLoop& loop_; // the main thread's
    Log& log_;
    Shared& shared_;
    std::string name_; // the address, for the log
    std::shared_ptr<Places> places_;
    std::vector<Resident<Clients>> clients_; // one a station
    std::list<Listener> listeners_;
    async::Timer looking_again_;
    bool accepting_ = true;
};

} // namespace postseal::serve
