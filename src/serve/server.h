// serve/server.h: one listener with its connections
//
// Over the limit of connections new clients wait in the kernel's queue. Idle connections are closed
// after `idle`, which must be longer than Postfix keeps one: the client closes first.
// stop() accepts nobody and takes no more requests than Connection::finish() does; what is owed is
// still answered. The file of a unix socket stays.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "log/log.h"
#include "serve/connection.h"
#include "serve/socket.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace postseal::serve {

// Shared by all servers of a process.
struct Shared {
    explicit Shared(std::size_t limit) : connections_limit(limit), read_buffer(65536, '\0') {}
    std::size_t connections_limit;
    std::size_t connections = 0;
    std::string read_buffer;
    std::string write_buffer;
};

class Server {
  public:
    Server(async::UvLoop& loop, Log& log, Shared& shared, const config::Address& address,
           std::vector<Fd> listeners, std::unique_ptr<Protocol> protocol, milliseconds idle);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    void stop();
    // After stop(): who has not asked yet may not any more.
    void hurry();
    // stop(), but the listening sockets go to another.
    [[nodiscard]] std::vector<Fd> release();
    [[nodiscard]] std::vector<int> listening() const;
    [[nodiscard]] Protocol& protocol() { return *protocol_; }
    // The limit of connections has been changed.
    void limit_changed() { watch_listeners(); }
    void idle_after(milliseconds idle) { idle_ = idle; }
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t malformed_count() const { return malformed_; }

    // For its connections.
    [[nodiscard]] std::string& read_buffer() { return shared_.read_buffer; }
    [[nodiscard]] std::string& write_buffer() { return shared_.write_buffer; }
    void malformed(int fd, const char* fault);
    void closed(Connection& connection, const char* why);

  private:
    struct Listener {
        Listener(Server& server, Fd listening);
        Server& owner;
        Fd fd;
        async::FdWatch watch;
    };
    void accept_from(Listener& listener);
    void watch_listeners();
    void finish_all(Connection::Finish how);
    void look_at(Connection& connection, MonoTime now);
    [[nodiscard]] milliseconds sweep_every() const;
    void reap();
    void sweep();

    async::UvLoop& loop_;
    Log& log_;
    Shared& shared_;
    std::string name_; // the address, for the log
    std::unique_ptr<Protocol> protocol_;
    milliseconds idle_;
    std::list<Listener> listeners_;
    std::list<Connection> connections_;
    std::vector<Connection*> dead_; // closed, waiting to be destroyed outside of their own calls
    async::Ready reaper_;
    async::Timer sweeper_;
    bool accepting_ = true;
    std::uint64_t malformed_ = 0;
    std::map<std::string, MonoTime>
        complained_; // when a malformed request was last logged, by client
};

} // namespace postseal::serve
