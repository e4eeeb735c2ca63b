// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/session.h"

#include "async/block_on.h"
#include "async/fd.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace postseal::smtp {
namespace {

using Result = Session::Result;

// Two ends of a connection: the session's and the server's.
class Connection {
  public:
    Connection() : Connection(make()) {}

    [[nodiscard]] int client() const { return client_.get(); }
    void send(const std::string& octets) const {
        REQUIRE(::send(server_->get(), octets.data(), octets.size(), 0) ==
                static_cast<ssize_t>(octets.size()));
    }
    [[nodiscard]] std::string received() const {
        std::array<char, 4096> octets{};
        const ssize_t count = ::recv(server_->get(), octets.data(), octets.size(), MSG_DONTWAIT);
        return count > 0 ? std::string(octets.data(), static_cast<std::size_t>(count)) : "";
    }
    void close() { server_.reset(); }

  private:
    static std::array<int, 2> make() {
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
            throw std::runtime_error("socketpair");
        return fds;
    }
    explicit Connection(std::array<int, 2> fds) : client_(fds[0]), server_(fds[1]) {}
    async::Fd client_;
    std::optional<async::Fd> server_;
};

// Sends the pieces, one a turn of the loop, and closes.
async::Task<> play(async::UvLoop& loop, Connection& connection, std::vector<std::string> pieces) {
    for (const std::string& piece : pieces) {
        connection.send(piece);
        co_await async::Sleep(loop, milliseconds(0));
    }
    connection.close();
}

std::string text_of(const Result& result) {
    return result ? result->text() : "error: " + result.error();
}

// What the session makes of the pieces until it fails.
std::vector<std::string> replies_to(std::vector<std::string> pieces) {
    async::UvLoop loop;
    Connection connection;
    Session session(loop, connection.client());
    async::Group server(loop);
    server.start(play(loop, connection, std::move(pieces)));
    std::vector<std::string> out;
    for (;;) {
        const Result result = async::block_on(loop, session.reply());
        out.push_back(text_of(result));
        if (!result) return out;
    }
}

TEST_CASE("smtp/session: a transcript, cut at every octet boundary") {
    const std::string stream = "220-mx.example.com\r\n220 ready\r\n250-mx\r\n250 STARTTLS\r\n";
    const std::vector<std::string> expected{"220 mx.example.com ready", "250 mx STARTTLS",
                                            "error: the server closed the connection"};
    for (std::size_t cut = 1; cut < stream.size(); cut++) {
        CAPTURE(cut);
        CHECK(replies_to({stream.substr(0, cut), stream.substr(cut)}) == expected);
    }
    std::vector<std::string> octets;
    octets.reserve(stream.size());
    for (const char c : stream)
        octets.emplace_back(1, c);
    CHECK(replies_to(octets) == expected);
}

TEST_CASE("smtp/session: closed in the middle of a reply") {
    CHECK(replies_to({"220-mx\r\n", "220 rea"}) ==
          std::vector<std::string>{"error: the server closed the connection"});
    CHECK(replies_to({}) == std::vector<std::string>{"error: the server closed the connection"});
}

TEST_CASE("smtp/session: what is not a reply ends the session, endless ones too") {
    CHECK(
        replies_to({"HTTP/1.1 400 Bad Request\r\n"}) ==
        std::vector<std::string>{"error: no SMTP reply: a line does not begin with a reply code"});
    const std::string endless(1000, 'x');
    CHECK(replies_to({"220 ", endless, endless, endless, endless}) ==
          std::vector<std::string>{"error: no SMTP reply: a line is too long"});
    const std::vector<std::string> lines(20,
                                         "250-a\r\n250-b\r\n250-c\r\n250-d\r\n250-e\r\n250-f\r\n");
    CHECK(replies_to(lines) == std::vector<std::string>{"error: no SMTP reply: too many lines"});
}

TEST_CASE("smtp/session: a command goes out whole and has the next reply") {
    async::UvLoop loop;
    Connection connection;
    Session session(loop, connection.client());
    connection.send("250-mx\r\n250 STARTTLS\r\n");
    const Result ehlo = async::block_on(loop, session.command("EHLO relay.example.com"));
    CHECK(text_of(ehlo) == "250 mx STARTTLS");
    CHECK(connection.received() == "EHLO relay.example.com\r\n");
    CHECK(session.pending().empty());
    session.quit();
    CHECK(connection.received() == "QUIT\r\n");
}

TEST_CASE("smtp/session: what is slipped in behind a reply is seen") {
    async::UvLoop loop;
    Connection connection;
    Session session(loop, connection.client());
    connection.send("220 go ahead\r\n250 slipped in\r\n");
    const Result reply = async::block_on(loop, session.command("STARTTLS"));
    CHECK(text_of(reply) == "220 go ahead");
    CHECK(session.pending() == "250 slipped in\r\n");
}

TEST_CASE("smtp/session: a server that is gone") {
    async::UvLoop loop;
    Connection connection;
    Session session(loop, connection.client());
    connection.close();
    const Result reply = async::block_on(loop, session.command("STARTTLS"));
    CHECK(text_of(reply) == "error: the connection was lost: Broken pipe");
    session.quit(); // and no signal
}

} // namespace
} // namespace postseal::smtp
