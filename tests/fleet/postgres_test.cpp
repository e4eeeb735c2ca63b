// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres.h"

#include "fleet/postgres_server.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

using namespace postseal;
using namespace postseal::fleet;

namespace {

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
    REQUIRE(postgres.run("BEGIN").has_value());
    REQUIRE(postgres.run("SET TRANSACTION READ ONLY").has_value());
    CHECK(postgres.run("CREATE TABLE x (y int)").error().fault == Fault::read_only);
    postgres.give_up();
    CHECK(postgres.run("SELECT 1").has_value());
    CHECK(postgres.is_open());
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
