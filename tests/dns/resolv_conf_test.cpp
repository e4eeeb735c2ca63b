// SPDX-License-Identifier: BSD-3-Clause
#include "dns/resolv_conf.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

namespace postseal::test {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("forward_servers: the file's in the place of the word") {
    const TempFile file("search example\nnameserver 192.0.2.1\nnameserver resolver.example\n"
                        "nameserver fe80::1%lo\nnameserver 192.0.2.9\noptions edns0\n");
    CHECK(dns::forward_servers({"resolv.conf"}, file.path()) == Texts{"192.0.2.1", "fe80::1%lo"});
    CHECK(dns::forward_servers({"192.0.2.7@5353", "resolv.conf"}, file.path()) ==
          Texts{"192.0.2.7@5353", "192.0.2.1", "fe80::1%lo"});
    CHECK(dns::forward_servers({}, "/nowhere") == Texts{});
    CHECK(dns::names_resolv_conf({"192.0.2.7", "resolv.conf"}));
    CHECK_FALSE(dns::names_resolv_conf({"192.0.2.7"}));
}

TEST_CASE("forward_servers: a file without a name server, or none at all") {
    CHECK(dns::forward_servers({"resolv.conf"}, "/nowhere/resolv.conf").error() ==
          "cannot read /nowhere/resolv.conf: No such file or directory; write the addresses of "
          "name servers into dns.forward instead");
    for (const char* text : {"", "search example\n", "nameserver resolver.example\n"}) {
        const TempFile file(text);
        CHECK(dns::forward_servers({"resolv.conf"}, file.path()).error() ==
              file.path() + " names no name server (nameserver ADDRESS); write the addresses of "
                            "name servers into dns.forward instead");
    }
}

} // namespace
} // namespace postseal::test
