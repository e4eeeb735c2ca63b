// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/facts.h"

#include <doctest/doctest.h>

namespace postseal::test {
namespace {

using namespace doctor;
using Texts = std::vector<std::string>;

Postconf with_maps(std::string maps, bool chrooted) {
    Postconf postconf;
    postconf.parameters = {{"queue_directory", "/queue"},
                           {"smtp_tls_policy_maps", std::move(maps)}};
    postconf.clients = {Client{.chrooted = chrooted}};
    return postconf;
}

std::string outside(std::string maps, bool chrooted) {
    const Postconf postconf = with_maps(std::move(maps), chrooted);
    const auto tables = parse_tables(postconf.value("smtp_tls_policy_maps"));
    return seen_from_outside(tables.at(0), postconf.clients[0], postconf).text();
}

TEST_CASE("seen_from_outside: relative paths and the chroot are below the queue directory") {
    CHECK(outside("socketmap:unix:a/b:c", true) == "unix:/queue/a/b");
    CHECK(outside("socketmap:unix:a/b:c", false) == "unix:/queue/a/b");
    CHECK(outside("socketmap:unix:/a/b:c", true) == "unix:/queue/a/b");
    CHECK(outside("socketmap:unix:/a/b:c", false) == "unix:/a/b");
    CHECK(outside("proxy:socketmap:unix:/a/b:c", true) == "unix:/a/b");
    CHECK(outside("socketmap:inet:127.0.0.1:1:c", true) == "inet:127.0.0.1:1");
}

TEST_CASE("what to look at before") {
    Postconf postconf =
        with_maps("hash:/x, socketmap:unix:/a:c, tcp:127.0.0.1:1, tcp:192.0.2.1:1", false);
    postconf.parameters["smtp_tls_CAfile"] = "/ca.pem";
    postconf.parameters["smtp_tls_CApath"] = "/certs";
    postconf.clients.push_back({.service = "relay/unix", .chrooted = true});
    Facts facts;
    facts.postconf = postconf;
    for (const char* address : {"unix:/a", "inet:127.0.0.1:1"})
        facts.settings.listeners.push_back(
            {parse_endpoint(address), address[0] == 'u' ? "socketmap" : "tcp_table", {}});
    const auto endpoints = endpoints_to_reach(facts);
    REQUIRE(endpoints.size() == 3);
    CHECK(endpoints[0].text() == "unix:/a");
    CHECK(endpoints[1].text() == "inet:127.0.0.1:1");
    CHECK(endpoints[2].text() == "unix:/queue/a");
    CHECK(authorities_to_read(postconf) == Texts{"/ca.pem", "/certs", "/queue/certs"});
    CHECK(any_chrooted(postconf));
}

TEST_CASE("destinations_to_look_up: relay host and own domains, none twice") {
    Postconf postconf = with_maps("", false);
    postconf.parameters["relayhost"] = "[mx.intern.example]:587";
    postconf.parameters["mydomain"] = "intern.example";
    postconf.parameters["relay_domains"] = "hash:/etc/postfix/relay, intern.example a.example\n";
    Texts keys;
    for (const Nexthop& nexthop : destinations_to_look_up(postconf))
        keys.push_back(nexthop.key());
    CHECK(keys == Texts{"[mx.intern.example]:587", "intern.example", "a.example"});
    postconf.parameters["relay_domains"] = "a.b c.b d.b e.b f.b g.b h.b i.b";
    CHECK(destinations_to_look_up(postconf).size() == 8);
}

TEST_CASE("an unasked zone: its servers by name and address, and the key that allows them") {
    UnaskedZone zone{.name = "intern.example",
                     .servers = {{"a.intern.example", "10.0.0.53", "private (RFC 1918)"},
                                 {"b.intern.example", "10.0.0.54", "private (RFC 1918)"}}};
    CHECK(zone.text() ==
          "the name servers of the zone intern.example are not asked: a.intern.example at "
          "10.0.0.53, which is private (RFC 1918), b.intern.example at 10.0.0.54, which is "
          "private (RFC 1918)");
    CHECK(private_name_servers({zone, zone}, {"fd00::/8"}) ==
          R"(private_name_servers = ["fd00::/8", "10.0.0.53", "10.0.0.54"])");
    zone.servers.resize(5, {"c.example", "10.0.0.1", "private (RFC 1918)"});
    CHECK(zone.text().ends_with("c.example at 10.0.0.1, which is private (RFC 1918), and 2 more"));
}

TEST_CASE("name_servers_of: as libresolv reads it") {
    CHECK(name_servers_of("") == Texts{"127.0.0.1"});
    CHECK(name_servers_of("search example\noptions edns0\n") == Texts{"127.0.0.1"});
    CHECK(name_servers_of("# nameserver 1.1.1.1\nnameserver\t192.0.2.1 \nnameserver ::1") ==
          Texts{"192.0.2.1", "::1"});
    CHECK(
        name_servers_of("nameserver 192.0.2.1;x\nnameservers 192.0.2.2\n nameserver 192.0.2.3\n") ==
        Texts{"192.0.2.1"});
    CHECK(name_servers_of("nameserver a\nnameserver b\nnameserver c\nnameserver d\n") ==
          Texts{"a", "b", "c"});
}

} // namespace
} // namespace postseal::test
