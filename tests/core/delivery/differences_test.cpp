// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/differences.h"

#include <doctest/doctest.h>

namespace postseal::delivery {
namespace {

using verdict::Host;
using verdict::HostState;
using verdict::Mx;
using verdict::MxState;

const Domain domain = *Domain::parse("example.com");

Host with_tlsa(const std::string& name, char octet) {
    Host out{.name = *Domain::parse(name),
             .state = HostState::usable,
             .tlsa_name = "_25._tcp." + name,
             .tlsa = {},
             .reason = {}};
    out.tlsa.push_back(
        {.usage = 3, .selector = 1, .matching_type = 1, .data = std::string(32, octet)});
    return out;
}

Mx mx(std::vector<Host> hosts, MxState state = MxState::secure) {
    Mx out;
    out.state = state;
    out.hosts = std::move(hosts);
    return out;
}

TEST_CASE("delivery/differences: none where both see the same, in any order") {
    const Host one = with_tlsa("a.example.com", 'x');
    const Host other = with_tlsa("b.example.com", 'y');
    CHECK(differences(domain, mx({one, other}), mx({other, one})).empty());
    // A validating resolver says SERVFAIL of what is bogus.
    CHECK(differences(domain, mx({}, MxState::bogus), mx({}, MxState::failed)).empty());
}

TEST_CASE("delivery/differences: a view that hides TLSA, or has others") {
    const Host ours = with_tlsa("mx.example.com", 'x');
    Host hidden = ours;
    hidden.state = HostState::none;
    hidden.tlsa.clear();
    hidden.reason = "no TLSA record at _25._tcp.mx.example.com";
    const auto found = differences(domain, mx({ours}), mx({hidden}));
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "DANE of mx.example.com: 1 TLSA record at _25._tcp.mx.example.com to "
                      "postseald, no TLSA (no TLSA record at _25._tcp.mx.example.com) to "
                      "Postfix's resolver");
    CHECK(differences(domain, mx({ours}), mx({with_tlsa("mx.example.com", 'z')})).size() == 1);
}

TEST_CASE("delivery/differences: another MX RRset, or another state of it") {
    const Host a = with_tlsa("a.example.com", 'x');
    const Host b = with_tlsa("b.example.com", 'x');
    const auto hosts = differences(domain, mx({a}), mx({b}));
    REQUIRE(hosts.size() == 1);
    CHECK(hosts[0] == "MX hosts of example.com: a.example.com to postseald, b.example.com to "
                      "Postfix's resolver");
    CHECK(differences(domain, mx({a}), mx({a}, MxState::insecure)).size() == 1);
    const auto failing = differences(domain, mx({a}), mx({}, MxState::failed));
    REQUIRE(failing.size() == 1);
    CHECK(failing[0].contains("secure to postseald"));
}

} // namespace
} // namespace postseal::delivery
