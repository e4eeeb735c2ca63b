// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres.h"

#include "fleet/postgres_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using namespace postseal;
using namespace postseal::fleet;

namespace {

// Says that it has no TLS, and asks for the password in the clear (protocol 3.0: message R, method
// 3).
class PasswordThief {
  public:
    PasswordThief() {
        const sockaddr_in any{.sin_family = AF_INET,
                              .sin_port = 0,
                              .sin_addr = {htonl(INADDR_LOOPBACK)},
                              .sin_zero = {}};
        REQUIRE(bind(listening_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        REQUIRE(listen(listening_, 8) == 0);
        thread_ = std::jthread([this] { serve(); });
    }
    PasswordThief(const PasswordThief&) = delete;
    PasswordThief& operator=(const PasswordThief&) = delete;
    ~PasswordThief() { close_all(); }

    [[nodiscard]] std::string uri(const std::string& more) const {
        sockaddr_in name{};
        socklen_t length = sizeof name;
        REQUIRE(getsockname(listening_, reinterpret_cast<sockaddr*>(&name), &length) == 0);
        return fmt::format("postgresql://relay:s3cret@127.0.0.1:{}/mail?{}", ntohs(name.sin_port),
                           more);
    }
    // All that clients have sent, once none comes any more.
    [[nodiscard]] const std::string& heard() {
        close_all();
        return heard_;
    }

  private:
    void close_all() {
        if (listening_ < 0) return;
        shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(std::exchange(listening_, -1));
    }
    void serve() {
        for (int client = -1; (client = accept(listening_, nullptr, nullptr)) >= 0;) {
            std::array<char, 4096> buffer{};
            for (ssize_t n = 0; (n = recv(client, buffer.data(), buffer.size(), 0)) > 0;) {
                heard_.append(buffer.data(), static_cast<std::size_t>(n));
                const bool wants_tls = n == 8; // SSLRequest
                const std::string_view answer =
                    wants_tls ? std::string_view("N") : std::string_view("R\0\0\0\x8\0\0\0\x3", 9);
                send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
            }
            ::close(client);
        }
    }

    int listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string heard_;
    std::jthread thread_;
};

constexpr Limits impatient{.connect = milliseconds(400), .answer = milliseconds(400)};

} // namespace

TEST_CASE("values come back as they were sent") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), {}, interrupt);
    CHECK(postgres.run("SELECT 1").error().fault == Fault::unreachable);
    REQUIRE(postgres.connect().has_value());
    const std::string octets("a\0\xff'\\\n", 6);
    const std::vector<std::string> list{"plain", "quo\"te", "back\\slash", "comma,{}", ""};
    const auto rows = postgres.run("SELECT $1, $2, $3, $4, unnest($5)",
                                   {Param::octets(octets), Param::of("it's"), Param::flag(true),
                                    Param::of(std::int64_t{-7}), Param::list(list)});
    REQUIRE_MESSAGE(rows.has_value(), rows.error().text);
    CHECK(rows->octets(0, 0) == octets);
    CHECK(rows->text(0, 1) == "it's");
    CHECK(rows->flag(0, 2));
    CHECK(rows->number(0, 3) == -7);
    REQUIRE(rows->size() == static_cast<int>(list.size()));
    for (int row = 0; row < rows->size(); row++)
        CHECK(rows->text(row, 4) == list[static_cast<std::size_t>(row)]);
}

TEST_CASE("what is wrong is sorted by what helps") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), {}, interrupt);
    REQUIRE(postgres.connect().has_value());
    CHECK(postgres.run("SELECT * FROM no_such_table").error().fault == Fault::schema);
    CHECK(postgres.run("SELECT 1 / 0").error().fault == Fault::refused);
    const auto raised = [&](const char* state) {
        return postgres.run(fmt::format("DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{}'; END $$", state))
            .error()
            .fault;
    };
    for (const char* state : {"40001", "40003", "40P01", "55P03"})
        CHECK(raised(state) == Fault::conflict);
    for (const char* state : {"53100", "53200", "58030"}) // disk full, out of memory, disk fails
        CHECK(raised(state) == Fault::full);
    CHECK(raised("42501") == Fault::refused);
    CHECK(postgres.is_open());
    REQUIRE(postgres.run("BEGIN").has_value());
    REQUIRE(postgres.run("SET TRANSACTION READ ONLY").has_value());
    CHECK(postgres.run("SELECT 1 / 0").error().fault == Fault::refused);
    postgres.give_up();
    CHECK(postgres.run("SELECT 1").has_value());
    CHECK(postgres.is_open());
    REQUIRE(postgres.run("BEGIN").has_value());
    REQUIRE(postgres.run("SET TRANSACTION READ ONLY").has_value());
    CHECK(postgres.run("CREATE TABLE x (y int)").error().fault == Fault::read_only);
    CHECK_FALSE(postgres.is_open()); // another server may take it
}

TEST_CASE("a password is in no error") {
    const Interrupt interrupt;
    Postgres nowhere("postgresql://u:s3cret@/s3cret?host=/nonexistent/s3cret", {}, interrupt);
    const auto connected = nowhere.connect();
    REQUIRE_FALSE(connected.has_value());
    CHECK(connected.error().fault == Fault::unreachable);
    CHECK_FALSE(connected.error().text.empty());
    CHECK_FALSE(connected.error().text.contains("s3cret"));
}

TEST_CASE("whoever sits between does not get the password in the clear") {
    if (!knows_require_auth()) {
        MESSAGE("NO PASSWORD GUARDED: this libpq has no require_auth (16 and later have); "
                "contrib/dev/check-debian13 runs this");
        return;
    }
    for (const auto* mode : {"", "sslmode=disable", "sslmode=prefer"}) {
        CAPTURE(mode);
        PasswordThief thief;
        const Interrupt interrupt;
        Postgres postgres(thief.uri(mode), test::generous, interrupt);
        const auto connected = postgres.connect();
        REQUIRE_FALSE(connected.has_value());
        CHECK_MESSAGE(connected.error().text.contains("password"), connected.error().text);
        CHECK(thief.heard().contains("relay")); // it did ask
        CHECK_FALSE(thief.heard().contains("s3cret"));
    }
}

TEST_CASE("who says in the URI how the server may ask for the password is obeyed") {
    if (!knows_require_auth()) return; // as above
    PasswordThief thief;
    const Interrupt interrupt;
    Postgres postgres(thief.uri("require_auth=password"), {.connect = milliseconds(500)},
                      interrupt);
    CHECK_FALSE(postgres.connect().has_value());
    CHECK(thief.heard().contains("s3cret"));
}

TEST_CASE("a server that hangs is given up, and so is one that is waited for at the end") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), impatient, interrupt);
    Interrupt early;
    Postgres patient(server->uri("postgres"), {.answer = std::chrono::hours(1)}, early);
    REQUIRE(postgres.connect().has_value());
    REQUIRE(patient.connect().has_value());
    server->hang();
    CHECK(postgres.run("SELECT 1").error().fault == Fault::slow);
    CHECK_FALSE(postgres.is_open());
    CHECK(postgres.connect().error().fault == Fault::slow);
    std::jthread ends([&] { early.raise(); });
    CHECK(patient.run("SELECT 1").error().fault == Fault::unreachable);
    server->go_on();
    CHECK(postgres.connect().has_value());
}

TEST_CASE("a statement that waits for somebody's lock is given up by the server, and said so") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres holder(server->uri("postgres"), {}, interrupt);
    Postgres waits(server->uri("postgres"), {.answer = milliseconds(500)}, interrupt);
    REQUIRE(holder.connect().has_value());
    REQUIRE(waits.connect().has_value());
    REQUIRE(holder.run("CREATE TABLE held (n int)").has_value());
    REQUIRE(holder.run("BEGIN").has_value());
    REQUIRE(holder.run("LOCK TABLE held IN ACCESS EXCLUSIVE MODE").has_value());
    const auto waited = waits.run("SELECT n FROM held");
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().fault == Fault::slow);
    CHECK(waited.error().text.starts_with("no answer within 0.5 s"));
    REQUIRE(holder.run("DROP TABLE held").has_value());
    REQUIRE(holder.run("COMMIT").has_value());
}

TEST_CASE("a server that ends breaks the connection; the next one is good") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), {}, interrupt);
    REQUIRE(postgres.connect().has_value());
    server->stop();
    CHECK(postgres.run("SELECT 1").error().fault == Fault::unreachable);
    CHECK_FALSE(postgres.is_open());
    CHECK(postgres.connect().error().fault == Fault::unreachable);
    server->start();
    CHECK(postgres.connect().has_value());
}

namespace {

// Takes connections, as the kernel does for a program that is frozen, and never says a word.
struct SilentServer {
    SilentServer() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        REQUIRE(::bind(fd, any, size) == 0);
        REQUIRE(::listen(fd, 9) == 0);
        REQUIRE(::getsockname(fd, any, &size) == 0);
        port = ntohs(address.sin_port);
    }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    ~SilentServer() { ::close(fd); }
    int fd;
    int port = 0;
};

std::string folder_of(const test::PostgresServer& server) {
    const std::string uri = server.uri("postgres");
    const auto begin = uri.find("host=") + 5;
    return uri.substr(begin, uri.find('&') - begin);
}

} // namespace

TEST_CASE("a first host that says nothing is left for the second") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const SilentServer silent;
    const std::string folder = folder_of(*server);
    const Interrupt interrupt;
    // By the limit, and by the URI's own.
    for (const auto& [limits, more] :
         {std::pair(impatient, ""),
          {Limits{.connect = std::chrono::hours(1), .answer = std::chrono::minutes(1)},
           "&connect_timeout=1"}}) {
        Postgres postgres(fmt::format("postgresql:///postgres?user=postseal&host=127.0.0.1,{}"
                                      "&port={},5432{}",
                                      folder, silent.port, more),
                          limits, interrupt);
        const auto connected = postgres.connect();
        CHECK_MESSAGE(connected.has_value(), connected.error().text);
        CHECK(postgres.run("SELECT 1").has_value());
    }
    // Nobody answers: each is named.
    Postgres nobody(
        fmt::format("postgresql:///postgres?host=127.0.0.1,/nonexistent&port={},5432", silent.port),
        impatient, interrupt);
    const auto connected = nobody.connect();
    REQUIRE_FALSE(connected.has_value());
    CHECK(connected.error().text.contains("127.0.0.1: no answer within 0.4 s; "));
    CHECK(connected.error().text.contains("/nonexistent"));
}

TEST_CASE("the attempt after a connection that broke begins with the next host") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    test::PostgresServer other;
    const Interrupt interrupt;
    Postgres postgres(fmt::format("postgresql:///postgres?user=postseal&host={},{}",
                                  folder_of(*server), folder_of(other)),
                      test::generous, interrupt);
    const auto where = [&] {
        const auto rows = postgres.run("SELECT current_setting('unix_socket_directories')");
        REQUIRE_MESSAGE(rows.has_value(), rows.error().text);
        return rows->text(0, 0);
    };
    REQUIRE(postgres.connect().has_value());
    CHECK(where() == folder_of(*server));
    // It takes no writes any more, as after a switch of primaries.
    REQUIRE(postgres.run("SET default_transaction_read_only = on").has_value());
    CHECK(postgres.run("CREATE TABLE x (y int)").error().fault == Fault::read_only);
    CHECK_FALSE(postgres.is_open());
    REQUIRE(postgres.connect().has_value());
    CHECK(where() == folder_of(other));
    // It is there, but stands still.
    other.hang();
    Postgres waits(fmt::format("postgresql:///postgres?user=postseal&host={},{}", folder_of(other),
                               folder_of(*server)),
                   impatient, interrupt);
    CHECK(waits.connect().has_value());
    other.go_on();
    // And with the last it begins again.
    CHECK(postgres.run("SELECT pg_terminate_backend(pg_backend_pid())").error().fault ==
          Fault::unreachable);
    REQUIRE(postgres.connect().has_value());
    CHECK(where() == folder_of(*server));
}

TEST_CASE("the server ends what a node that died has left open") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), {.answer = std::chrono::seconds(77)}, interrupt);
    REQUIRE(postgres.connect().has_value());
    for (const char* limit : {"statement_timeout", "idle_in_transaction_session_timeout"})
        CHECK(postgres.run(fmt::format("SHOW {}", limit))->text(0, 0) == "77s");
}

TEST_CASE("an answer that is too large is not read completely") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), test::generous, interrupt);
    // One row, and many.
    for (const char* sql : {"SELECT repeat('x', 100000000)",
                            "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"}) {
        REQUIRE(postgres.connect().has_value());
        const auto refused = postgres.run(sql);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().fault == Fault::too_large);
        CHECK(refused.error().text == "an answer of more than 32 MiB was refused");
        CHECK_FALSE(postgres.is_open());
    }
    REQUIRE(postgres.connect().has_value());
    CHECK(postgres.run("SELECT repeat('x', 20000000)")->length(0, 0) == 20'000'000);
}

TEST_CASE("text from the server has no control characters, and times are times") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const Interrupt interrupt;
    Postgres postgres(server->uri("postgres"), test::generous, interrupt);
    REQUIRE(postgres.connect().has_value());
    const auto rows = postgres.run("SELECT E'a\\n\\x1b[2Jb\\r', 9223372036854775807, -5");
    REQUIRE(rows.has_value());
    CHECK(rows->text(0, 0) == "a??[2Jb?");
    CHECK(rfc3339(rows->time(0, 1)) == "9999-12-31T23:59:59Z");
    CHECK(rows->time(0, 2) == WallTime{});
}

TEST_CASE("the tables' schema stays what it is, whatever is made later") {
    test::PostgresServer* server = test::postgres();
    if (server == nullptr) return;
    const std::string uri = server->new_database();
    const Interrupt interrupt;
    Postgres postgres(uri, test::generous, interrupt);
    REQUIRE(postgres.connect().has_value());
    CHECK(postgres.run("SHOW search_path")->text(0, 0) == "public, pg_temp");
    REQUIRE(postgres.run("CREATE TABLE postseal_meta (x int)").has_value());
    // A schema that the usual path has first.
    server->sql(uri, "CREATE SCHEMA postseal");
    REQUIRE(postgres.connect().has_value());
    CHECK(postgres.run("SHOW search_path")->text(0, 0) == "public, pg_temp");
}
