// SPDX-License-Identifier: BSD-3-Clause
#include "serve/server.h"

#include "serve/local.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace postseal;
using namespace postseal::serve;
using namespace std::chrono_literals;

namespace {

// A request a line. "x" is answered at once; "later N x" after N ms; "big" with 10,000 octets;
// "long N c" after N ms with 60,000 times c, as a protocol does whose replies can be made anew;
// "bad" is malformed; "last" is the client's last request. A line that has begun must end within
// `limit`, if there is one.
class Lines final : public Protocol {
  public:
    explicit Lines(async::UvLoop& loop) : loop_(loop) {}

    Step step(std::string_view bytes, Connection& connection) override {
        const auto end = bytes.find('\n');
        if (end == std::string_view::npos) return {};
        const std::string line(bytes.substr(0, end));
        if (line == "bad") return {.outcome = Outcome::malformed, .fault = "bad line"};
        taken++;
        if (line.starts_with("later ")) {
            const Connection::ReplySlot place = connection.reply_later();
            connection.start(later(connection, place, line));
        } else if (line.starts_with("long ")) {
            const Connection::ReplySlot place = connection.reply_later();
            connection.start(long_reply(connection, place, line));
        } else if (line == "big") {
            connection.reply(std::string(10'000, 'x'));
        } else {
            connection.reply("<" + line + ">");
        }
        return {.outcome = Outcome::taken, .consumed = end + 1, .last = line == "last"};
    }
    [[nodiscard]] milliseconds patience() const override { return limit; }
    [[nodiscard]] std::string too_slow() const override { return "<slow>"; }
    milliseconds limit{0};
    int taken = 0;
    int made_anew = 0;

  private:
    async::Task<> later(Connection& connection, Connection::ReplySlot place, std::string line) {
        const long delay = std::stol(line.substr(6));
        if (delay > 0) co_await async::Sleep(loop_, milliseconds(delay));
        connection.fulfil(place, "<" + line + ">");
    }
    async::Task<> long_reply(Connection& connection, Connection::ReplySlot place,
                             std::string line) {
        const long delay = std::stol(line.substr(5));
        if (delay > 0) co_await async::Sleep(loop_, milliseconds(delay));
        while (!connection.has_room(place, 60'000)) {
            co_await Connection::Turn(connection, place);
            made_anew++;
        }
        connection.fulfil(place, std::string(60'000, line.back()));
    }
    async::UvLoop& loop_;
};

struct Field : test::Local {
    explicit Field(std::size_t limit = 100, std::size_t memory = std::size_t{16} << 20U)
        : Local(limit, memory) {
        auto lines = std::make_unique<Lines>(loop);
        protocol = lines.get();
        serve(std::move(lines));
    }
    Lines* protocol = nullptr;
};

} // namespace

TEST_CASE("one reply a request, in order, whenever each is known") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "a\nlater 60 b\nc\nlater 5 d\nlater 0 e\nf\n");
    const std::string expected = "<a><later 60 b><c><later 5 d><later 0 e><f>";
    CHECK(field.read(client, expected.size()) == expected);
}

TEST_CASE("a request may come in any pieces") {
    Field field;
    const Fd client = field.connect();
    for (const char c : std::string("hello\nlater 1 x\nworld\n")) {
        Field::write(client, std::string(1, c));
        field.turn(1ms);
    }
    CHECK(field.read(client, 26) == "<hello><later 1 x><world>");
}

TEST_CASE("a malformed request closes its connection only, and what was asked before is answered") {
    Field field;
    const Fd bad = field.connect();
    const Fd good = field.connect();
    Field::write(bad, "a\nlater 30 b\nbad\nc\n");
    Field::write(good, "later 60 g\n");
    CHECK(field.read(bad, 100) == "<a><later 30 b>EOF");
    CHECK(field.read(good, 12) == "<later 60 g>");
    CHECK(field.shared.complaints().count() == 1);
    CHECK(field.protocol->taken == 3);
}

TEST_CASE("a client that has said all it will is answered before the end") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "later 20 a\nb\nincompl");
    ::shutdown(client.get(), SHUT_WR);
    CHECK(field.read(client, 100) == "<later 20 a><b>EOF");
    CHECK(field.server->connections() == 0);
}

TEST_CASE("a client that does not read is not read from, and loses nothing") {
    Field field;
    const Fd client = field.connect(4096);
    const std::string line = std::string(1000, 'x') + "\n";
    std::size_t sent = 0;
    std::size_t offset = 0;
    for (int i = 0; i < 400; i++) {
        const ssize_t n =
            ::send(client.get(), line.data() + offset, line.size() - offset, MSG_NOSIGNAL);
        if (n > 0) {
            offset += static_cast<std::size_t>(n);
            if (offset == line.size()) {
                offset = 0;
                sent++;
            }
        }
        field.turn(1ms);
        if (sent == 20'000) break;
    }
    const int taken = field.protocol->taken;
    field.turn(50ms);
    CHECK(field.protocol->taken == taken);
    REQUIRE(offset == 0);
    const std::string got = field.read(client, sent * 1002);
    CHECK(got.size() == sent * 1002);
    CHECK(field.protocol->taken == static_cast<int>(sent));
}

TEST_CASE("so many octets of replies wait for a client, and no more are made") {
    Field field;
    const Fd client = field.connect();
    std::string many;
    for (int i = 0; i < 5000; i++)
        many += "big\n";
    Field::write(client, many);
    field.turn(100ms);
    CHECK(field.protocol->taken < 2000);
    CHECK(field.read(client, 50'000'000).size() == 50'000'000);
    CHECK(field.protocol->taken == 5000);
}

TEST_CASE("a client has at most so many requests open, the rest waits") {
    Field field;
    const Fd client = field.connect();
    std::string many;
    for (int i = 0; i < 500; i++)
        many += "later 300 x\n";
    Field::write(client, many);
    field.turn(100ms);
    CHECK(field.protocol->taken == static_cast<int>(Connection::max_owed / 2048));
    constexpr std::size_t octets = std::size_t{500} * 13;
    CHECK(field.read(client, octets).size() == octets);
    CHECK(field.protocol->taken == 500);
}

TEST_CASE("long replies behind a slow one do not wait in memory, and come in their order") {
    Field field;
    const Fd client = field.connect();
    std::string many = "later 300 x\n";
    std::string expected = "<later 300 x>";
    for (int i = 0; i < 100; i++) {
        many += std::string("long 1 ") + static_cast<char>('a' + i % 26) + "\n";
        expected += std::string(60'000, static_cast<char>('a' + i % 26));
    }
    Field::write(client, many);
    field.turn(150ms);
    CHECK(field.protocol->taken == 101);
    CHECK(field.shared.reply_memory().used() < 2 * Connection::max_owed);
    field.turn(400ms); // the slow one is known, and nobody reads
    CHECK(field.shared.reply_memory().used() < 2 * Connection::max_owed);
    CHECK((field.read(client, expected.size()) == expected));
    CHECK(field.protocol->made_anew > 50);
    CHECK(field.shared.reply_memory().used() == 0);
}

TEST_CASE("a client that goes while long replies wait for their turn takes them along") {
    Field field;
    {
        const Fd client = field.connect();
        std::string many = "later 300 x\n";
        for (int i = 0; i < 100; i++)
            many += "long 1 y\n";
        Field::write(client, many);
        field.turn(100ms);
    }
    field.server.reset();
    CHECK(field.shared.reply_memory().used() == 0);
}

TEST_CASE("reply memory: when it is used up who does not read is closed, and others are served") {
    Field field(200, std::size_t{2} << 20U);
    std::string many;
    for (int i = 0; i < 5000; i++)
        many += "big\n";
    std::vector<Fd> deaf;
    for (int i = 0; i < 60; i++) {
        deaf.push_back(field.connect(4096));
        ::send(deaf.back().get(), many.data(), many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    std::size_t most = 0;
    for (int i = 0; i < 30; i++) {
        field.turn(10ms);
        most = std::max(most, field.shared.reply_memory().used());
        const Fd client = field.connect();
        Field::write(client, "a\nb\nc\n");
        REQUIRE(field.read(client, 9) == "<a><b><c>");
    }
    MESSAGE("60 clients that do not read: " << most << " bytes of a limit of 2 MiB");
    CHECK(most < std::size_t{3} << 20U);
    CHECK(field.shared.unread().count() > 0);
    deaf.clear();
    for (int i = 0; i < 1000 && field.shared.reply_memory().used() > 0; i++)
        field.turn(10ms);
    CHECK(field.shared.reply_memory().used() == 0);
}

TEST_CASE("over the limit of connections clients wait their turn") {
    Field field(2);
    std::optional<Fd> first = field.connect();
    const Fd second = field.connect();
    const Fd third = field.connect();
    Field::write(third, "c\n");
    field.turn(50ms);
    CHECK(field.server->connections() == 2);
    first.reset();
    CHECK(field.read(third, 3) == "<c>");
    CHECK(field.server->connections() == 2);
}

TEST_CASE("a client may vanish while its answer is looked up") {
    Field field;
    for (int i = 0; i < 20; i++) {
        const Fd client = field.connect();
        Field::write(client, "later 30 a\nb\n");
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        field.turn(milliseconds(i % 3));
    }
    field.turn(100ms);
    CHECK(field.server->connections() == 0);
    CHECK(field.shared.connections() == 0);
}

TEST_CASE("stop answers what is owed and takes no more") {
    Field field;
    const Fd busy = field.connect();
    const Fd idle = field.connect();
    Field::write(idle, "i\n");
    CHECK(field.read(idle, 3) == "<i>");
    Field::write(busy, "later 50 a\n");
    field.turn(10ms);
    field.server->stop();
    field.turn(1ms);
    Field::write(busy, "b\n");
    CHECK(field.read(idle, 100) == "EOF");
    CHECK(field.read(busy, 100) == "<later 50 a>EOF");
    const Fd late = test::Local::tcp_socket(0);
    CHECK(::connect(late.get(), reinterpret_cast<sockaddr*>(&field.address),
                    sizeof field.address) == -1);
}

TEST_CASE("what has arrived before stop is answered") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "a\n");
    CHECK(field.read(client, 3) == "<a>");
    Field::write(client, "b\nc\n");
    field.server->stop();
    CHECK(field.read(client, 100) == "<b><c>EOF");
}

TEST_CASE("who has connected and not asked yet may ask once after stop, until it has to hurry") {
    Field field;
    const Fd asks = field.connect();
    const Fd waits = field.connect();
    field.turn(10ms);
    field.server->stop();
    field.turn(10ms);
    Field::write(asks, "later 10 a");
    field.turn(10ms);
    Field::write(asks, "\n");
    CHECK(field.read(asks, 100) == "<later 10 a>EOF");
    CHECK(field.read(waits, 1).empty());
    field.server->hurry();
    CHECK(field.read(waits, 1) == "EOF");
    CHECK(field.server->connections() == 0);
}

TEST_CASE("a server may go with requests in flight") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "later 1000 a\n");
    field.turn(10ms);
    field.server.reset();
    CHECK(field.shared.connections() == 0);
    CHECK(field.read(client, 1) == "EOF");
}

TEST_CASE("a connection without requests is closed after the idle time, one that is used is not") {
    test::Local field;
    field.serve(std::make_unique<Lines>(field.loop), 200ms);
    const Fd used = field.connect();
    const Fd idle = field.connect();
    const Fd waiting = field.connect();
    test::Local::write(waiting, "later 600 x\n");
    for (int i = 0; i < 5; i++) {
        test::Local::write(used, "x\n");
        REQUIRE(field.read(used, 3) == "<x>");
        field.turn(80ms);
    }
    CHECK(field.read(idle, 1) == "EOF");
    CHECK(field.server->connections() == 2);
    CHECK(field.read(waiting, 13) == "<later 600 x>");
    field.turn(400ms);
    CHECK(field.server->connections() == 0);
}

TEST_CASE("a client that is too slow with a request gets the last word, others go on") {
    Field field;
    field.protocol->limit = 80ms;
    field.serve([&] {
        auto lines = std::make_unique<Lines>(field.loop);
        lines->limit = 80ms;
        return lines;
    }());
    const Fd slow = field.connect();
    const Fd idle = field.connect();
    const Fd waiting = field.connect();
    Field::write(slow, "a\nb");
    Field::write(waiting, "later 300 x\ny");
    for (int i = 0; i < 5; i++) { // each octet in time, the line not
        field.turn(30ms);
        if (::send(slow.get(), "b", 1, MSG_NOSIGNAL) < 0) break;
    }
    CHECK(field.read(slow, 100) == "<a><slow>EOF");
    Field::write(idle, "c\n");
    CHECK(field.read(idle, 3) == "<c>");
    CHECK(field.read(waiting, 100).starts_with("<later 300 x>"));
}

TEST_CASE("a last request is answered, nothing after it is taken, and the client closes first") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "later 20 a\nlast\nb\n");
    CHECK(field.read(client, 100) == "<later 20 a><last>EOF");
    Field::write(client, "c\n");
    field.turn(20ms);
    CHECK(field.server->connections() == 1);
    ::shutdown(client.get(), SHUT_WR);
    field.turn(20ms);
    CHECK(field.server->connections() == 0);
    const Fd other = field.connect();
    Field::write(other, "last\n");
    CHECK(field.read(other, 100) == "<last>EOF");
    field.server->stop(); // waits for nobody who lingers
    field.turn(20ms);
    CHECK(field.server->connections() == 0);
}
