// bench/client.h: connections that ask and time the answers
//
// Closed loop: each connection keeps `in_flight` requests outstanding, one being ping-pong, which
// is what Postfix does. A request's time runs from just before the write that has it to when its
// reply has been read. Open loop (`rate` > 0): requests fall due at that rate whatever the server
// does, and go out at once on the connections in turn; a request's time runs from when it was due,
// so that a server that stands still is charged for all that was kept waiting (no coordinated
// omission). Several `together` cost the generator and the network less than one by one. A
// malformed or unasked reply ends the program.
// Thread: one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "bench/endpoint.h"
#include "bench/keys.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::bench {

struct Demand {
    std::size_t connections = 1;
    std::size_t in_flight = 1; // closed loop
    double rate = 0;           // open loop, a second
    std::size_t together = 1;  // open loop: so many fall due at once, on one connection
    std::uint64_t requests = 1000;
    double limit = 60; // seconds, then it gives up
};

struct Outcome {
    std::vector<std::uint64_t> times;                        // ns
    std::map<std::string, std::uint64_t, std::less<>> words; // first words of the replies
    std::uint64_t unexpected = 0;
    std::string first_unexpected;
    std::uint64_t begin = 0; // ns: the first was asked or due, the last was answered
    std::uint64_t end = 0;
};

class Client {
  public:
    Client(const Endpoint& endpoint, const std::vector<Key>& keys, const Demand& demand);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    // May be called again: the connections stay.
    [[nodiscard]] Outcome run(Order order, std::uint64_t requests);

  private:
    struct Asked {
        std::uint64_t at;
        std::uint32_t key;
    };
    struct Connection {
        int fd = -1;
        bool wants_out = false;
        std::vector<Asked> asked; // a ring
        std::size_t oldest = 0;
        std::size_t outstanding = 0;
        std::string out;
        std::size_t out_done = 0;
        std::vector<char> in;
        std::size_t in_size = 0;
    };

    void open(Connection& c);
    void ask(Connection& c, std::uint64_t at);
    void fill(Connection& c);
    [[nodiscard]] std::uint64_t next_due() const;
    void ask_what_is_due();
    void flush(Connection& c);
    void watch(Connection& c, bool out);
    void receive(Connection& c);
    std::size_t take_replies(Connection& c, std::uint64_t now);
    void take(Connection& c, std::string_view reply, std::uint64_t now);
    void wait(std::uint64_t give_up);

    const Endpoint& endpoint_;
    const std::vector<Key>& keys_;
    Demand demand_;
    int epoll_;
    std::vector<Connection> connections_;

    Order order_;
    std::uint64_t wanted_ = 0;
    std::uint64_t sent_ = 0;
    Outcome outcome_;
};

} // namespace postseal::bench
