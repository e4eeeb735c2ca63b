// serve/cached_way.h: clients of one listener, and all that they ask for is in memory
//
// For what is said of the way of a cached answer: what it allocates, how many instructions it
// takes. No engine: a question that is not known is a fault of the test.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "engine/handle.h"
#include "serve/clients.h"
#include "serve/delegation_server.h"
#include "serve/socketmap_server.h"
#include "serve/tcp_table_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace postseal::test {

class CachedWay {
  public:
    enum class Kind { tcp, unix };
    explicit CachedWay(config::Protocol protocol) {
        const engine::Maps& maps = *answer_memory_.maps();
        cache::Replies replies;
        for (const engine::Variant& variant : maps.variants())
            replies.push_back(engine::to_wire({.kind = verdict::Reply::Kind::ok,
                                               .text = "secure match=mx.example.com:.example.net "
                                                       "servername=hostname",
                                               .defect = {}},
                                              variant.protocol));
        reply_ = replies[maps.variant(protocol, "postfix").value()];
        const MonoTime until = loop_.now() + std::chrono::hours(24);
        answer_memory_.cache().put("some-domain-in-memory.example", replies, {.until = until}, 0);
        clients_.emplace(serve::Clients::Dependencies{station_, log_, shared_,
                                                      std::make_shared<serve::Places>(),
                                                      "a listener"},
                         speak(protocol), std::chrono::hours(24));
        request_ = request(protocol);
    }

    // A client's end, connected.
    [[nodiscard]] async::Fd connect(Kind kind) {
        auto [ours, theirs] = kind == Kind::unix ? unix_pair() : tcp_pair();
        clients_->add(std::move(theirs));
        return std::move(ours);
    }
    // So many requests at once, answered; the loop is turned by `turn`.
    template <class Turn> void ask(const async::Fd& client, std::size_t times, Turn turn) {
        char buffer[16384];
        std::size_t size = 0;
        for (std::size_t i = 0; i < times; i++)
            size += request_.copy(buffer + size, sizeof buffer - size);
        if (::send(client.get(), buffer, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
            throw std::runtime_error("a request is not taken");
        turn(loop_);
        for (std::size_t got = 0; got < times * reply_.size();) {
            const ssize_t more = ::recv(client.get(), buffer, sizeof buffer, 0);
            if (more <= 0 || !std::string_view(buffer).starts_with(reply_))
                throw std::runtime_error("another reply than expected");
            got += static_cast<std::size_t>(more);
        }
    }
    [[nodiscard]] const std::string& reply() const { return reply_; }
    [[nodiscard]] std::uint64_t answered() { return station_.counters().cached; }

  private:
    struct NoLookups final : engine::Handle {
        using Handle::Handle;
        async::Task<engine::WireReply> ask(Nexthop, config::Protocol, std::string,
                                           ClientId) override {
            throw std::logic_error("not in memory");
        }
    };

    static constexpr auto configuration_ = R"(
[[listen]]
address = "inet:127.0.0.1:1"
[[listen]]
address = "inet:127.0.0.1:2"
protocol = "tcp_table"
[[listen]]
address = "inet:127.0.0.1:3"
protocol = "delegation"
)";

    [[nodiscard]] std::unique_ptr<serve::Protocol> speak(config::Protocol protocol) {
        if (protocol == config::Protocol::tcp_table)
            return std::make_unique<serve::TcpTableServer>(engine_handle_, station_.counters(),
                                                           "postfix");
        if (protocol == config::Protocol::delegation)
            return std::make_unique<serve::DelegationServer>(engine_handle_, station_.counters());
        return std::make_unique<serve::SocketmapServer>(engine_handle_, station_.counters(),
                                                        std::vector<std::string>{});
    }
    // As Postfix sends it.
    static std::string request(config::Protocol protocol) {
        if (protocol == config::Protocol::tcp_table) return "get some-domain-in-memory.example\n";
        if (protocol == config::Protocol::delegation)
            return "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
                   "client_address=192.0.2.1\nclient_name=mail.example.org\n"
                   "reverse_client_name=mail.example.org\nhelo_name=mail.example.org\n"
                   "sender=somebody@example.org\n"
                   "recipient=somebody.else@some-domain-in-memory.example\n"
                   "recipient_count=0\nqueue_id=\ninstance=1234.5678.9\nsize=12345\netrn_domain=\n"
                   "stress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\n"
                   "ccert_issuer=\nccert_fingerprint=\nencryption_protocol=\n\n";
        return "37:postfix some-domain-in-memory.example,";
    }
    static std::pair<async::Fd, async::Fd> unix_pair() {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) throw std::runtime_error("no sockets");
        return {async::Fd(fds[0]), async::Fd(fds[1])};
    }
    static std::pair<async::Fd, async::Fd> tcp_pair() {
        const async::Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
        async::Fd ours(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof address;
        auto* any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener.get(), any, size) != 0 || ::listen(listener.get(), 1) != 0 ||
            ::getsockname(listener.get(), any, &size) != 0 || ::connect(ours.get(), any, size) != 0)
            throw std::runtime_error("no sockets");
        return {std::move(ours), async::Fd(::accept(listener.get(), nullptr, nullptr))};
    }

    async::UvLoop loop_;
    Log log_{{.level = log::Level::error}};
    engine::AnswerMemory answer_memory_{
        std::make_shared<const engine::Maps>(config::parse(configuration_, "f").value()),
        {},
        std::size_t{1} << 20U};
    NoLookups engine_handle_{answer_memory_, loop_};
    serve::Station station_{0, loop_, nullptr};
    serve::Shared shared_{loop_, 1000, std::size_t{16} << 20U};
    std::optional<serve::Clients> clients_;
    std::string request_;
    std::string reply_;
};

} // namespace postseal::test
