// support/udp_responder.h: a name server of one UDP socket on 127.0.0.1, which answers by a table
//
// Runs on the test's own loop. A question that no reply was set for is counted and never answered.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::test {

class UdpResponder {
  public:
    explicit UdpResponder(async::UvLoop& loop);
    UdpResponder(const UdpResponder&) = delete;
    UdpResponder& operator=(const UdpResponder&) = delete;
    ~UdpResponder();

    struct Record {
        std::string owner; // text
        std::uint16_t type = 0;
        std::uint32_t ttl = 0;
        std::string rdata; // octets
    };
    struct Reply {
        unsigned rcode = 0;
        std::vector<Record> answer;
        std::vector<Record> authority;
    };
    // `question`: "example.com 15". The reply for "* 15" is given when there is none for the name.
    void set(std::string question, Reply reply) {
        replies_[std::move(question)] = std::move(reply);
    }

    [[nodiscard]] std::string address() const; // "127.0.0.1@PORT"
    [[nodiscard]] std::size_t received() const { return received_; }

  private:
    struct Socket {
        Socket();
        Socket(const Socket&) = delete;
        Socket& operator=(const Socket&) = delete;
        ~Socket();
        int fd;
    };
    static void on_readable(void* self, unsigned);
    void answer_all();

    Socket socket_;
    async::FdWatch watch_;
    std::map<std::string, Reply> replies_;
    std::size_t received_ = 0;
};

// RDATA of a SOA record with this minimum field.
[[nodiscard]] std::string soa(std::uint32_t minimum);

} // namespace postseal::test
