// SPDX-License-Identifier: BSD-3-Clause
#include "serve/protocols.h"

#include "serve/engine_behind.h"
#include "serve/fake_status.h"
#include "serve/fake_steering.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::serve;

namespace {

constexpr auto configuration = R"(
[[listen]]
address = "inet:127.0.0.1:1"
maps = ["postfix"]
[[listen]]
address = "inet:127.0.0.1:2"
protocol = "tcp_table"
[[listen]]
address = "inet:127.0.0.1:3"
protocol = "delegation"
[[listen]]
address = "unix:/s"
protocol = "admin"
[[listen]]
address = "inet:127.0.0.1:4"
protocol = "http"
)";

} // namespace

TEST_CASE("each listener speaks its protocol") {
    const std::string asked[] = {"19:postfix example.com,", "get example.com\n",
                                 "request=smtpd_access_policy\nrecipient=a@example.com\n\n",
                                 "{\"command\":\"status\"}\n", "GET /healthz HTTP/1.0\r\n\r\n"};
    const std::string told[] = {"12:OK dane-only,", "200 dane-only\n", "action=DUNNO\n\n",
                                "{\"ok\":true,\"status\":{\"queries\":{\"total\":7},",
                                "HTTP/1.1 200 OK"};
    test::EngineBehind field(configuration);
    Counters counters;
    test::FakeSteering steering;
    test::FakeStatus daemon_status;
    const Dependencies dependencies{field.engine, field.store, field.engine_handle,
                                    counters,     steering,    daemon_status};
    const auto config = config::parse(configuration, "f").value();
    for (std::size_t i = 0; i < config.listen.size(); i++) {
        CAPTURE(i);
        field.serve(make_protocol(config.listen[i], dependencies));
        const Fd client = field.connect();
        test::Local::write(client, asked[i]);
        const std::string got = field.read(client, told[i].size());
        CHECK(got.substr(0, told[i].size()) == told[i]);
    }
    CHECK(counters.socketmap == 1);
    CHECK(counters.tcp_table == 1);
    CHECK(counters.delegation == 1);
    field.server.reset();
}
