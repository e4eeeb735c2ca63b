// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/resolv_conf.h"

#include <doctest/doctest.h>

namespace postseal::test {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("name_servers_in: as the C library reads it") {
    CHECK(name_servers_in("").empty());
    CHECK(name_servers_in("search example\noptions edns0 trust-ad\n").empty());
    CHECK(name_servers_in("# nameserver 192.0.2.9\n;nameserver 192.0.2.8\n").empty());
    CHECK(name_servers_in("nameserver\nnameserver \nnameserver #x\n").empty());
    CHECK(name_servers_in("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n") ==
          Texts{"127.0.0.53"}); // systemd-resolved's
    CHECK(name_servers_in("nameserver fe80::1%eth0\nnameserver\t2001:db8::1 # second\r\n") ==
          Texts{"fe80::1%eth0", "2001:db8::1"});
    CHECK(name_servers_in("nameserver a\nnameserver b\nnameserver c\nnameserver d") ==
          Texts{"a", "b", "c"});
}

} // namespace
} // namespace postseal::test
