// serve/stations_test.cpp: several serving threads before one engine
// Meant to be run under ThreadSanitizer, too: contrib/build thread.
// SPDX-License-Identifier: BSD-3-Clause
#include "serve/stations.h"

#include "serve/engine_behind.h"
#include "serve/folder.h"
#include "serve/listeners.h"
#include "serve/socketmap_server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace postseal;
using namespace postseal::serve;
using namespace std::chrono_literals;

namespace {

std::string netstring(std::string_view payload) {
    return fmt::format("{}:{},", payload.size(), payload);
}

const std::string dane_only = netstring("OK dane-only");
const std::string not_found = netstring("NOTFOUND ");

struct Field : test::EngineBehind {
    Field() {
        listeners.speak([this](const config::Listen& listen, Station& at) {
            return std::make_unique<SocketmapServer>(stations.engine_handle(at), at.counters(),
                                                     listen.maps);
        });
        configure({here});
    }
    void configure(const std::vector<config::Listen>& wanted) {
        auto bound = listeners.prepare(wanted);
        REQUIRE(bound);
        listeners.apply(wanted, *std::move(bound));
    }
    [[nodiscard]] Fd connect() {
        Fd fd = connect_to(here.address.path);
        REQUIRE(fd.valid());
        turn(2ms); // accepted
        return fd;
    }
    std::string ask(const Fd& client, const std::string& key, std::size_t octets) {
        write(client, netstring("postfix " + key));
        return read(client, octets);
    }
    std::size_t clients_of(std::size_t number) {
        return stations.all()[number]->connections().load();
    }
    test::Folder folder;
    const config::Listen here{.address = {.path = folder.path / "s"}};
    Stations stations{loop, engine, 3};
    Listeners listeners{stations.all(), log, shared, nullptr};
};

} // namespace

TEST_CASE("stations: clients are dealt out evenly, and each thread answers its own") {
    Field field;
    std::vector<Fd> clients;
    for (int i = 0; i < 6; i++)
        clients.push_back(field.connect());
    for (std::size_t station = 0; station < 3; station++)
        CHECK(field.clients_of(station) == 2);
    for (const Fd& client : clients) {
        CHECK(field.ask(client, "example.com", dane_only.size()) == dane_only);
        field.settle();
    }
    const Totals counted = field.stations.counted();
    CHECK(counted.queries == 6);
    CHECK(counted.looked_up == 1);
    CHECK(counted.cached == 5);
    for (Station* station : field.stations.all())
        CHECK(station->counters().queries == 2);
    // Who leaves makes room where it was.
    clients.erase(clients.begin() + 1);
    for (int i = 0; i < 1000 && field.listeners.connections() > 5; i++)
        field.turn(1ms);
    clients.push_back(field.connect());
    for (std::size_t station = 0; station < 3; station++)
        CHECK(field.clients_of(station) == 2);
}

TEST_CASE("stations: replies stay in order, whichever had to be looked up") {
    Field field;
    for (int i = 0; i < 3; i++) {
        const Fd client = field.connect();
        Field::write(client, netstring("postfix slow.example") + netstring("postfix example.com") +
                                 netstring("postfix none.example") +
                                 netstring("postfix .example.com"));
        const std::string expected = not_found + dane_only + not_found + not_found;
        CHECK(field.read(client, expected.size()) == expected);
        field.engine.forget(Nexthop::parse("slow.example").value());
    }
}

TEST_CASE("stations: a client that goes away while it waits is forgotten") {
    Field field;
    for (int i = 0; i < 3; i++) {
        const Fd client = field.connect();
        Field::write(client, netstring("postfix slow.example"));
        field.turn(5ms);
    }
    for (int i = 0; i < 1000 && field.listeners.connections() > 0; i++)
        field.turn(1ms);
    CHECK(field.listeners.connections() == 0);
    CHECK(field.shared.connections() == 0);
}

TEST_CASE("stations: other maps count for all threads at once") {
    Field field;
    std::vector<Fd> clients;
    for (int i = 0; i < 3; i++)
        clients.push_back(field.connect());
    for (const Fd& client : clients)
        CHECK(field.ask(client, "none.example", not_found.size()) == not_found);
    const auto other =
        config::parse("[[map]]\nname = \"postfix\"\nno_policy = \"encrypt\"\n", "f").value();
    field.engine.reconfigure(engine::Maps(other), {}, {});
    const std::string encrypt = netstring("OK encrypt");
    for (const Fd& client : clients)
        CHECK(field.ask(client, "none.example", encrypt.size()) == encrypt);
}

TEST_CASE("stations: the limit of connections is that of all threads together") {
    Field field;
    field.shared.limit(4);
    std::vector<Fd> clients;
    for (int i = 0; i < 5; i++)
        clients.push_back(field.connect());
    CHECK(field.listeners.connections() == 4);
    for (std::size_t i = 0; i < 4; i++)
        CHECK(field.ask(clients[i], "example.com", dane_only.size()) == dane_only);
    Field::write(clients[4], netstring("postfix example.com"));
    field.turn(20ms);
    clients.erase(clients.begin() + 2); // another thread's client makes room
    CHECK(field.read(clients.back(), dane_only.size()) == dane_only);
    CHECK(field.shared.connections() == 4);
}

TEST_CASE("stations: at the end what was asked is answered, on every thread") {
    Field field;
    std::vector<Fd> clients;
    for (int i = 0; i < 6; i++)
        clients.push_back(field.connect());
    for (const Fd& client : clients)
        Field::write(client, netstring("postfix slow.example"));
    field.turn(10ms);
    field.listeners.stop(Listeners::Files::remove);
    for (const Fd& client : clients)
        CHECK(field.read(client, 100) == not_found + "EOF");
    CHECK(field.listeners.connections() == 0);
}

TEST_CASE("stations: they may end with clients and lookups in progress") {
    Field field;
    std::vector<Fd> clients;
    for (int i = 0; i < 6; i++) {
        clients.push_back(field.connect());
        Field::write(clients.back(), netstring("postfix slow.example"));
    }
    CHECK(async::block_on(field.loop, field.stations.round_trip()));
}

TEST_CASE("stations: a malformed request is complained about once, whichever thread has it") {
    Field field;
    for (int i = 0; i < 3; i++) {
        const Fd client = field.connect();
        Field::write(client, "x");
        CHECK(field.read(client, 1) == "EOF");
    }
    CHECK(field.shared.complaints().count() == 3);
}
