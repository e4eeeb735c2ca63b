// SPDX-License-Identifier: BSD-3-Clause
#include "serve/listeners.h"

#include "serve/folder.h"
#include "serve/local.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

using namespace postseal;
using namespace postseal::serve;

namespace {

// Answers each octet with the listener's own name.
class Named final : public Protocol {
  public:
    explicit Named(const config::Listen& listen) { reconfigure(listen); }
    void reconfigure(const config::Listen& listen) override {
        name_ = std::string(to_string(listen.protocol)) + (listen.maps.empty() ? "" : "!");
    }
    Step step(std::string_view, Connection& connection) override {
        connection.reply(name_ + ".");
        return {.outcome = Outcome::taken, .consumed = 1};
    }

  private:
    std::string name_;
};

struct FakeKeeper final : Keeper {
    bool keep(const std::string& address, int) override { return kept.insert(address).second; }
    void forget(const std::string& address) override { kept.erase(address); }
    std::set<std::string> kept;
};

struct Field : test::Local {
    explicit Field(Keeper* keeper = nullptr) : listeners({&station}, log, shared, keeper) {
        listeners.speak(
            [](const config::Listen& listen, Station&) { return std::make_unique<Named>(listen); });
    }
    [[nodiscard]] config::Listen at(const std::string& name) const {
        return {.address = {.path = folder.path / name}};
    }
    // As a reload does it; the error, or nothing.
    std::string configure(const std::vector<config::Listen>& wanted) {
        auto bound = listeners.prepare(wanted);
        if (!bound) return bound.error();
        listeners.apply(wanted, *std::move(bound));
        return "";
    }
    [[nodiscard]] Fd connect(const std::string& name) const {
        return connect_to(folder.path / name);
    }
    std::string ask(const Fd& fd, std::size_t octets) {
        write(fd, "?");
        return read(fd, octets);
    }
    [[nodiscard]] bool there(const std::string& name) const {
        return std::filesystem::exists(folder.path / name);
    }
    [[nodiscard]] unsigned mode(const std::string& name) const {
        struct stat info{};
        REQUIRE(::stat((folder.path / name).c_str(), &info) == 0);
        return info.st_mode & 07777;
    }
    test::Folder folder;
    Listeners listeners;
};

} // namespace

TEST_CASE("a listener whose address stays keeps its socket and its connections") {
    Field field;
    REQUIRE(field.configure({field.at("a")}).empty());
    const std::vector<int> before = field.listeners.descriptors();
    const Fd client = field.connect("a");
    CHECK(field.ask(client, 10) == "socketmap.");
    auto changed = field.at("a");
    changed.maps = {"postfix"};
    changed.mode = 0600;
    REQUIRE(field.configure({field.at("b"), changed}).empty());
    CHECK(field.ask(client, 11) == "socketmap!.");
    CHECK(field.mode("a") == 0600);
    CHECK(field.listeners.descriptors().size() == 2);
    CHECK(field.listeners.descriptors().front() == before.front());
    CHECK(field.ask(field.connect("b"), 10) == "socketmap.");
}

TEST_CASE("a removed listener closes its connections and takes its file along") {
    Field field;
    REQUIRE(field.configure({field.at("a"), field.at("b")}).empty());
    const Fd client = field.connect("a");
    CHECK(field.ask(client, 10) == "socketmap.");
    const Fd fresh = field.connect("a"); // accepted or not: nobody answers any more
    field.turn(milliseconds(20));
    REQUIRE(field.configure({field.at("b")}).empty());
    CHECK(field.read(client, 1) == "EOF");
    CHECK(field.ask(fresh, 100) == "socketmap.EOF");
    CHECK_FALSE(field.connect("a").valid());
    CHECK_FALSE(field.there("a"));
    field.turn(milliseconds(1'100));
    CHECK(field.listeners.connections() == 0);
}

TEST_CASE("another protocol on the same address: the socket stays, the connections end") {
    Field field;
    REQUIRE(field.configure({field.at("a")}).empty());
    const std::vector<int> before = field.listeners.descriptors();
    const Fd client = field.connect("a");
    CHECK(field.ask(client, 10) == "socketmap.");
    auto admin = field.at("a");
    admin.protocol = config::Protocol::admin;
    REQUIRE(field.configure({admin}).empty());
    CHECK(field.read(client, 1) == "EOF");
    CHECK(field.ask(field.connect("a"), 6) == "admin.");
    CHECK(field.listeners.descriptors() == before);
    CHECK(field.there("a"));
}

TEST_CASE("http has a limit of its own, and takes no connection from others") {
    Field field;
    field.shared.limit(2);
    auto http = field.at("h");
    http.protocol = config::Protocol::http;
    REQUIRE(field.configure({field.at("a"), http}).empty());
    std::vector<Fd> many;
    for (int i = 0; i < 70; i++)
        many.push_back(field.connect("h"));
    field.turn(milliseconds(50));
    const auto open = field.listeners.open();
    REQUIRE(open.size() == 2);
    CHECK(open[1].listen->protocol == config::Protocol::http);
    CHECK(open[1].connections == 64);
    CHECK(field.ask(field.connect("a"), 10) == "socketmap.");
    CHECK(field.shared.connections() <= 2);
    many.erase(many.begin(), many.begin() + 32);
    field.turn(milliseconds(50));
    CHECK(field.listeners.open()[1].connections == 38);
}

TEST_CASE("the end: who asks at that moment is answered, from listeners that are whole or gone") {
    // Asks, with each request, what listeners there are; on its word they are stopped.
    class Looks final : public Protocol {
      public:
        explicit Looks(Listeners& listeners) : listeners_(listeners) {}
        Step step(std::string_view bytes, Connection& connection) override {
            if (bytes.front() == '!') listeners_.stop(Listeners::Files::remove);
            const auto open = listeners_.open();
            connection.reply(std::to_string(open.size()) + "/" +
                             std::to_string(listeners_.descriptors().size()) + ".");
            return {.outcome = Outcome::taken, .consumed = 1};
        }

      private:
        Listeners& listeners_;
    };
    Field field;
    field.listeners.speak(
        [&](const config::Listen&, Station&) { return std::make_unique<Looks>(field.listeners); });
    REQUIRE(field.configure({field.at("a"), field.at("b"), field.at("c")}).empty());
    std::vector<Fd> clients;
    for (const char* name : {"a", "b", "c", "b", "a"})
        clients.push_back(field.connect(name));
    field.turn(milliseconds(20));
    SUBCASE("by a signal") {
        for (const Fd& client : clients)
            Field::write(client, "?");
        field.listeners.stop(Listeners::Files::remove);
        for (const Fd& client : clients)
            CHECK(field.read(client, 100) == "0/0.EOF");
    }
    SUBCASE("by one of the requests, between others of the same client") {
        Field::write(clients[1], "xx!xx");
        for (const std::size_t other : {0U, 2U, 3U, 4U})
            Field::write(clients[other], "?");
        CHECK(field.read(clients[1], 100) == "3/3.3/3.0/0.0/0.0/0.EOF");
        for (const std::size_t other : {0U, 2U, 3U, 4U}) {
            const std::string got = field.read(clients[other], 100);
            CHECK((got == "0/0.EOF" || got == "3/3.EOF"));
        }
    }
    CHECK(field.listeners.connections() == 0);
    CHECK_FALSE(field.there("a"));
}

TEST_CASE("all connections can be dropped, whatever they wait for") {
    Field field;
    REQUIRE(field.configure({field.at("a"), field.at("b")}).empty());
    const Fd a = field.connect("a");
    const Fd b = field.connect("b");
    field.turn(milliseconds(20));
    field.listeners.stop(Listeners::Files::leave);
    field.listeners.drop();
    CHECK(field.read(a, 1) == "EOF");
    CHECK(field.read(b, 1) == "EOF");
    CHECK(field.shared.connections() == 0);
}

TEST_CASE("a socket that was taken over and whose file has gone meanwhile is bound anew") {
    Field field;
    Inherited none;
    auto bound = bind_all({field.at("a"), field.at("b")}, none);
    REQUIRE(bound.has_value());
    for (Bound& each : *bound)
        each.origin = Bound::Origin::taken_over;
    ::unlink((field.folder.path / "b").c_str());
    REQUIRE(bind_removed(*bound).has_value());
    CHECK(bound->front().origin == Bound::Origin::taken_over);
    CHECK(bound->back().origin == Bound::Origin::bound);
    CHECK(field.connect("a").valid());
    CHECK(field.connect("b").valid());
}

TEST_CASE(
    "a client that takes all it can have leaves other listeners their places, admin its own") {
    Field field;
    field.shared.limit(20);
    auto own = field.at("a");
    own.connections = 5;
    auto admin = field.at("x");
    admin.protocol = config::Protocol::admin;
    REQUIRE(field.configure({own, field.at("b"), admin}).empty());
    std::vector<Fd> many;
    for (int i = 0; i < 30; i++)
        many.push_back(field.connect("b"));
    field.turn(milliseconds(50));
    CHECK(field.listeners.open()[1].connections == 15);
    std::vector<Fd> five;
    for (int i = 0; i < 5; i++) {
        five.push_back(field.connect("a"));
        REQUIRE(field.ask(five.back(), 10) == "socketmap.");
    }
    CHECK(field.ask(field.connect("x"), 6) == "admin.");
    // A reload that gives the others more.
    auto more = field.at("b");
    more.connections = 10;
    REQUIRE(field.configure({own, more, admin}).empty());
    many.clear();
    field.turn(milliseconds(50));
    CHECK(field.listeners.open()[1].connections == 0);
    CHECK(field.listeners.open()[0].connections == 5);
}

TEST_CASE(
    "http and admin: a new client takes the place of the one that has been idle for longest") {
    for (const auto protocol : {config::Protocol::http, config::Protocol::admin}) {
        Field field;
        auto first = field.at("a");
        auto second = field.at("b");
        first.protocol = second.protocol = protocol;
        const std::string name(to_string(protocol));
        REQUIRE(field.configure({first, second}).empty());
        std::vector<Fd> silent;
        for (int i = 0; i < 100; i++) {
            silent.push_back(field.connect("a"));
            field.turn(milliseconds(1));
        }
        // The other listener's clients are served at once, and its newest is not the idlest.
        const Fd kept = field.connect("b");
        CHECK(field.ask(kept, name.size() + 1) == name + ".");
        for (int i = 0; i < 10; i++)
            CHECK(field.ask(field.connect("b"), name.size() + 1) == name + ".");
        CHECK(field.ask(kept, name.size() + 1) == name + ".");
        CHECK(field.read(silent.front(), 1) == "EOF");
        CHECK(field.ask(silent.back(), name.size() + 1) == name + ".");
        CHECK(field.listeners.connections() <= 64);
    }
}

TEST_CASE("a fault leaves everything as it was") {
    Field field;
    REQUIRE(field.configure({field.at("a"), field.at("b")}).empty());
    auto changed = field.at("a");
    changed.mode = 0600;
    auto impossible = field.at("b");
    impossible.mode = 0600;
    impossible.group = "no-such-group";
    CHECK(field.configure({field.at("new"), changed, impossible}) ==
          "listen.group: there is no group \"no-such-group\"");
    CHECK(field.mode("a") == 0660);
    CHECK(field.mode("b") == 0660);
    CHECK_FALSE(field.there("new"));
    CHECK(field.configure({field.at("new"), field.at("no-such-folder/x")})
              .find("its folder is not there") != std::string::npos);
    CHECK_FALSE(field.there("new"));
    CHECK(field.configure({field.at("a"), field.at("a")}).find("two [[listen]]") == 0);
    CHECK(field.ask(field.connect("a"), 10) == "socketmap.");
    CHECK(field.listeners.descriptors().size() == 2);
}

TEST_CASE("at the end the files go, unless somebody else takes over the sockets") {
    for (const auto files : {Listeners::Files::remove, Listeners::Files::leave}) {
        Field field;
        REQUIRE(field.configure({field.at("a")}).empty());
        field.listeners.stop(files);
        CHECK(field.there("a") == (files == Listeners::Files::leave));
        CHECK(field.listeners.descriptors().empty());
    }
}

TEST_CASE("what a keeper has stays at the end, and is forgotten when it is removed") {
    FakeKeeper keeper;
    Field field(&keeper);
    REQUIRE(field.configure({field.at("a"), field.at("b")}).empty());
    CHECK(keeper.kept.size() == 2);
    REQUIRE(field.configure({field.at("b")}).empty());
    CHECK(keeper.kept.size() == 1);
    CHECK_FALSE(field.there("a"));
    field.listeners.stop(Listeners::Files::remove);
    CHECK(field.there("b"));
}

TEST_CASE("what a keeper has passed is not given to it again, and its file is not ours") {
    FakeKeeper keeper;
    Field field(&keeper);
    auto made = listen_on(field.at("a"));
    REQUIRE(made);
    Inherited passed(Inherited::From::keeper);
    REQUIRE(passed.add(std::move(made->front())));
    const std::vector wanted{field.at("a")};
    auto bound = bind_all(wanted, passed);
    REQUIRE(bound);
    CHECK(bound->front().origin == Bound::Origin::passed);
    field.listeners.apply(wanted, *std::move(bound));
    CHECK(keeper.kept.empty());
    CHECK(field.ask(field.connect("a"), 10) == "socketmap.");
    field.listeners.stop(Listeners::Files::remove);
    CHECK(field.there("a"));
}
