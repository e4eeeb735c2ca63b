// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_conf.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postseal::test {
namespace {

std::vector<std::string> addresses(const std::string& text) {
    const TempFile conf(text);
    std::vector<std::string> out;
    for (const IpPrefix& address : dns::servers_in(conf.path()).addresses)
        out.push_back(address.to_string());
    return out;
}

using Texts = std::vector<std::string>;

TEST_CASE("servers_in: servers of stubs and forwarders, in each way of writing") {
    CHECK(addresses("server:\n  verbosity: 1\n").empty());
    CHECK(addresses("stub-zone:\n name: \"a.example\"\n stub-addr: 10.0.0.1\n") ==
          Texts{"10.0.0.1/32"});
    CHECK(addresses("forward-zone: name: . forward-addr: '10.0.0.2@5353#ns.example'") ==
          Texts{"10.0.0.2/32"});
    CHECK(addresses("stub-zone:\n stub-addr:10.0.0.3\n stub-addr:fd00:0::3") ==
          Texts{"10.0.0.3/32", "fd00:0:0:0:0:0:0:3/128"});
    CHECK(addresses("# stub-addr: 10.0.0.4\nforward-addr: 10.0.0.5 # forward-addr: 10.0.0.6") ==
          Texts{"10.0.0.5/32"});
    CHECK(addresses("access-control: 10.0.0.7 allow\nstub-host: ns.example").empty());
    CHECK(addresses("stub-addr:").empty());
    CHECK(addresses("stub-addr: \"10.0.0.8").size() == 1);
}

TEST_CASE("servers_in: files that are included, and root hints") {
    const TempFile inner("stub-addr: 10.1.0.1\nroot-hints: /h\n");
    CHECK(addresses("include: \"" + inner.path() + "\"\nstub-addr: 10.1.0.2") ==
          Texts{"10.1.0.1/32", "10.1.0.2/32"});
    CHECK(addresses("include-toplevel: " + inner.path() + "*") == Texts{"10.1.0.1/32"});
    CHECK(addresses("include: /does/not/exist").empty());
    CHECK(dns::servers_in(inner.path()).root_hints == Texts{"/h"});
    CHECK(dns::servers_in("").addresses.empty());
}

TEST_CASE("servers_in: a file that includes itself is read to an end") {
    const TempFile conf("");
    const TempFile looping("include: " + conf.path() + "\n");
    CHECK(addresses("include: " + looping.path()).empty());
}

} // namespace
} // namespace postseal::test
