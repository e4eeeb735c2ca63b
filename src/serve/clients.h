// serve/clients.h: the connections of one listener on one serving thread
//
// Idle ones are closed after `idle`, which must be longer than Postfix keeps one: the client closes
// first.
// Thread: the station's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/log.h"
#include "serve/connection.h"
#include "serve/shared.h"
#include "serve/socket.h"
#include "serve/station.h"

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace postseal::serve {

class Clients {
  public:
    // All of it outlives them. `places`: the listener's, for all threads.
    struct Dependencies {
        Station& station;
        Log& log;
        Shared& shared;
        std::shared_ptr<Places> places;
        std::string listener; // its address, for the log
    };
    Clients(Dependencies dependencies, std::unique_ptr<Protocol> protocol, milliseconds idle);
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;
    ~Clients();

    // It has been counted already, by Shared, the station and `count`.
    void add(Fd fd);
    void reconfigure(const config::Listen& listen);
    // In a later turn, so that nothing is served from inside of who calls: that may be a request of
    // one of these connections, or a change of the listeners that is not complete.
    void finish(Connection::Finish how);
    // Of those that wait for nothing of ours; null: there is none.
    [[nodiscard]] Connection* longest_idle();

    // For its connections.
    [[nodiscard]] ReplyMemory& reply_memory() { return dependencies_.shared.reply_memory(); }
    [[nodiscard]] std::string& read_buffer() { return dependencies_.station.read_buffer(); }
    [[nodiscard]] std::string& write_buffer() { return dependencies_.station.write_buffer(); }
    void malformed(int fd, const char* fault);
    void does_not_read(int fd);
    void closed(Connection& connection, const char* why);

  private:
    void reap();
    void finish_now();
    void sweep();
    void look_at(Connection& connection, MonoTime now);
    [[nodiscard]] milliseconds sweep_every() const;
    void uncount(std::size_t clients);

    Dependencies dependencies_;
    async::UvLoop& loop_;
    std::unique_ptr<Protocol> protocol_;
    milliseconds idle_;
    std::list<Connection> connections_;
    std::vector<Connection*> dead_; // closed, waiting to be destroyed outside of their own calls
    async::Ready reaper_;
    async::Ready finisher_;
    Connection::Finish finish_ = Connection::Finish::gently;
    async::Timer sweeper_;
};

} // namespace postseal::serve
