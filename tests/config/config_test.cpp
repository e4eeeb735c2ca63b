// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace postseal;
using namespace postseal::config;
using namespace std::chrono_literals;

TEST_CASE("an empty file gives the documented defaults") {
    const auto config = parse("", "f");
    REQUIRE(config);
    CHECK(config->state_dir == "/var/lib/postseal");
    CHECK(config->dns.timeout == 8s);
    CHECK(config->limits.deadline == 10s);
    CHECK(config->cache_memory == 256U << 20U);
    REQUIRE(config->listen.size() == 2);
    CHECK(config->listen[0].address.text() == "inet:127.0.0.1:8461");
    CHECK(config->listen[0].protocol == Protocol::socketmap);
    CHECK(config->listen[1].address.text() == "unix:/run/postseal/admin.sock");
    CHECK(config->listen[1].protocol == Protocol::admin);
    CHECK(config->listen[0].idle == 2min);
    CHECK(config->listen[1].idle == 10min);
    CHECK(config->listen[0].connections == 2048);
    CHECK(config->limits.reply_memory == 16U << 20U);
    REQUIRE(config->maps.size() == 5);
    CHECK(config->maps[0].name == "postfix");
    CHECK(config->maps[3].reply.form == verdict::Form::tlsrpt);
    CHECK(config->maps[4].name == "requiretls");
    CHECK(config->maps[4].reply.form == verdict::Form::requiretls);
    CHECK(config->delegation.of(verdict::Class::tempfail) == "DUNNO");
}

TEST_CASE("every key is read") {
    const auto config = parse(R"(
state_dir = "/s"
store = "sqlite"
user = "u"
threads = 8
[[listen]]
address = "inet:[::1]:9000"
maps = ["mine", "QUERY"]
[[listen]]
address = "unix:/run/x.sock"
owner = "o"
group = "g"
mode = "0600"
idle = "3m"
[[listen]]
address = "inet:127.0.0.1:9001"
protocol = "tcp_table"
maps = ["mine"]
idle = "100s"
[[listen]]
address = "inet:127.0.0.1:9002"
protocol = "delegation"
idle = "1h"
[[map]]
name = "mine"
form = "tlsrpt"
no_policy = "encrypt"
match = "mx"
mixed = "dane-only"
postfix_dnssec = true
testing = "enforce"
[[map]]
name = "postfix"
match = "mx"
[verdict]
mixed = "dane"
postfix_dnssec = false
default_level = "encrypt"
overrides = "/o"
[dns]
trust_anchor = ["/a", "/b"]
root_hints = "/h"
forward = ["192.0.2.1@5353"]
stub = ["example.=192.0.2.1@53"]
unbound_conf = "/u"
private_name_servers = ["10.0.0.0/8"]
qname_minimisation = true
timeout = "250ms"
[https]
ca_file = "/c"
allow_private = true
timeout = "1m"
[cache]
memory = "1G"
[limits]
connections = 10
lookups = 20
deadline = "5s"
[delegation]
dane = "PREPEND X-Sealed: %c"
enforce = "OK"
may = "550 5.7.1 no promise"
override = "INFO %d"
tempfail = "DEFER_IF_PERMIT %r"
[sandbox]
enabled = false
read = ["/r"]
write = ["/w", "/x"]
[log]
level = "debug"
format = "json"
)",
                              "f");
    REQUIRE(config);
    CHECK(config->state_dir == "/s");
    CHECK(config->user == "u");
    CHECK(config->threads == 8);
    CHECK(config->listen[0].address == Address{"::1", 9000, ""});
    CHECK(config->listen[0].address.text() == "inet:[::1]:9000");
    CHECK(config->listen[0].maps == std::vector<std::string>{"mine", "QUERY"});
    CHECK(config->listen[1].owner == "o");
    CHECK(config->listen[1].group == "g");
    CHECK(config->listen[1].mode == 0600);
    CHECK(config->maps[0].reply.match == verdict::Match::mx);
    CHECK(config->listen[1].idle == 3min);
    CHECK(config->listen[2].protocol == Protocol::tcp_table);
    CHECK(config->listen[2].maps == std::vector<std::string>{"mine"});
    CHECK(config->listen[2].idle == 100s);
    CHECK(config->listen[3].protocol == Protocol::delegation);
    CHECK(config->listen[3].idle == 1h);
    CHECK(config->maps[5].name == "mine");
    CHECK(config->maps[5].reply.no_policy == "encrypt");
    CHECK(config->maps[5].verdict ==
          verdict::Options{.mixed = verdict::Mixed::dane_only,
                           .postfix_dnssec = true,
                           .default_level = verdict::DefaultLevel::encrypt,
                           .testing = verdict::Testing::enforce});
    CHECK(config->maps[0].verdict == config->verdict);
    CHECK(config->verdict.mixed == verdict::Mixed::dane);
    CHECK_FALSE(config->verdict.postfix_dnssec);
    CHECK(config->sandbox == Sandbox{false, {"/r"}, {"/w", "/x"}});
    CHECK(config->verdict.default_level == verdict::DefaultLevel::encrypt);
    CHECK(config->overrides == "/o");
    CHECK(config->dns.trust_anchor == std::vector<std::string>{"/a", "/b"});
    CHECK(config->dns.root_hints == "/h");
    CHECK(config->dns.forward == std::vector<std::string>{"192.0.2.1@5353"});
    CHECK(config->dns.stub == std::vector<std::string>{"example.=192.0.2.1@53"});
    CHECK(config->dns.unbound_conf == "/u");
    CHECK(config->dns.private_name_servers == std::vector<std::string>{"10.0.0.0/8"});
    CHECK(config->dns.qname_minimisation);
    CHECK(config->dns.timeout == 250ms);
    CHECK(config->https.ca_file == "/c");
    CHECK(config->https.allow_private);
    CHECK(config->https.timeout == 1min);
    CHECK(config->cache_memory == std::size_t{1} << 30U);
    CHECK(config->limits == Limits{10, 20, 5s});
    using verdict::Class;
    CHECK(config->delegation.of(Class::dane) == "PREPEND X-Sealed: %c");
    CHECK(config->delegation.of(Class::enforce) == "OK");
    CHECK(config->delegation.of(Class::may) == "550 5.7.1 no promise");
    CHECK(config->delegation.of(Class::override_) == "INFO %d");
    CHECK(config->delegation.of(Class::tempfail) == "DEFER_IF_PERMIT %r");
    CHECK(config->log.level == log::Level::debug);
    CHECK(config->log.format == log::Format::json);
}

TEST_CASE("places of connections: as the file gives them, else half of the rest in equal parts") {
    const std::string three = R"(
[[listen]]
address = "inet:127.0.0.1:1"
connections = 40
[[listen]]
address = "unix:/a"
[[listen]]
address = "unix:/b"
protocol = "delegation"
[[listen]]
address = "unix:/c"
protocol = "admin"
[limits]
reply_memory = "2M"
connections = )";
    const auto config = parse(three + "100", "f");
    REQUIRE(config);
    CHECK(config->listen[0].connections == 40);
    CHECK(config->listen[1].connections == 15);
    CHECK(config->listen[2].connections == 15);
    CHECK(config->listen[3].connections == 0);
    CHECK(config->limits.reply_memory == 2U << 20U);
    const auto few = parse(three + "39", "f");
    REQUIRE_FALSE(few);
    CHECK(few.error().message() ==
          "f:15: limits.connections: is 39, but the listeners' own places (listen.connections) are "
          "40: raise it, or give them fewer");
    const auto admin = parse("[[listen]]\naddress = \"unix:/c\"\nprotocol = \"admin\"\n"
                             "connections = 3\n",
                             "f");
    REQUIRE_FALSE(admin);
    CHECK(admin.error().message() == "f:4: listen.connections: a listener for admin has a limit of "
                                     "its own: leave the key out");
}

TEST_CASE("each protocol has its own idle limit, and a tcp_table listener one map") {
    const auto listen = [](std::string_view protocol) {
        return parse("[[listen]]\naddress = \"unix:/s\"\nprotocol = \"" + std::string(protocol) +
                         "\"\n",
                     "f")
            .value()
            .listen[0];
    };
    CHECK(listen("socketmap").idle == 120s);
    CHECK(listen("tcp_table").idle == 15min);
    CHECK(listen("delegation").idle == 30min);
    CHECK(listen("admin").idle == 10min);
    CHECK(listen("http").idle == 90s);
    CHECK(listen("tcp_table").maps == std::vector<std::string>{"postfix"});
    CHECK(listen("socketmap").maps.empty());
}

TEST_CASE("an http listener's names count in any case") {
    const auto config = parse("[[listen]]\naddress = \"inet:127.0.0.1:1\"\nprotocol = \"http\"\n"
                              "hosts = [\"Mail.Example\", \"b\"]\n",
                              "f");
    REQUIRE(config);
    CHECK(config->listen[0].hosts == std::vector<std::string>{"mail.example", "b"});
}

TEST_CASE("a map judges as [verdict] does, wherever that stands in the file") {
    const auto config = parse("[[map]]\nname = \"x\"\n[verdict]\nmixed = \"dane\"\n", "f");
    REQUIRE(config);
    for (const Map& map : config->maps)
        CHECK(map.verdict.mixed == verdict::Mixed::dane);
}

TEST_CASE("what is wrong is said with line, key and fix") {
    for (const auto& row : test::read_table("config/bad.table", 5)) {
        CAPTURE(row.line);
        CAPTURE(row.fields[4]);
        const auto config = parse(row.fields[0], "postseal.toml");
        REQUIRE_FALSE(config);
        CHECK(config.error().line == std::stoul(row.fields[1]));
        CHECK(config.error().key == row.fields[2]);
        CAPTURE(config.error().text);
        CHECK(config.error().text.find(row.fields[3]) != std::string::npos);
        CHECK(config.error().message().starts_with("postseal.toml:" + row.fields[1] + ": "));
    }
}

TEST_CASE("a file that cannot be read is an error of the file as a whole") {
    const auto config = load("/nonexistent/postseal.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().message() ==
          "/nonexistent/postseal.toml: cannot be read: No such file or directory");
    REQUIRE_FALSE(load("/"));
}

TEST_CASE("the known keys are those that are read") {
    const auto keys = known_keys();
    for (const char* key :
         {"state_dir", "store", "user", "threads", "listen.address", "listen.mode", "map.name",
          "map.no_policy", "verdict.mixed", "dns.unbound_conf", "https.ca_file", "cache.memory",
          "limits.deadline", "log.format", "listen.idle", "map.testing", "delegation.override"}) {
        CAPTURE(key);
        CHECK(std::ranges::count(keys, key) == 1);
    }
    CHECK(std::ranges::count(keys, "dns") == 0);
}
