// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/server_location.h"

#include <doctest/doctest.h>

using namespace postseal::fleet;

TEST_CASE("a connection URI is shown without its password") {
    const auto location =
        parse_server_location("postgresql://relay:s3cret@db.example:5433/mail?sslmode=require"
                              "&sslpassword=hidden&sslrootcert=/etc/ca.pem&sslkey=relative");
    REQUIRE(location.has_value());
    CHECK(location->shown == "postgresql://relay@db.example:5433/mail");
    CHECK(location->files == std::vector<std::string>{"/etc/ca.pem"});
    CHECK(passwords_of("postgresql://relay:s3cret@db/mail?sslpassword=hidden") ==
          std::vector<std::string>{"s3cret", "hidden"});
    CHECK(parse_server_location("postgresql:///mail?host=/run/postgresql")->shown ==
          "postgresql:///run/postgresql/mail");
    CHECK(parse_server_location("postgres://a,b/mail")->shown == "postgresql://a,b/mail");
}

TEST_CASE("a server that could be anybody") {
    for (const auto& [uri, host] : {std::pair("postgresql://u@db.example/m", "db.example"),
                                    {"postgresql://u@db.example/m?sslmode=require", "db.example"},
                                    {"postgresql://u@db.example/m?sslmode=verify-ca", "db.example"},
                                    {"postgresql://u@127.0.0.1,db.example/m", "db.example"},
                                    {"postgresql:///m?hostaddr=192.0.2.1", "192.0.2.1"},
                                    {"postgresql://u@127.54.0.1/m", "127.54.0.1"},
                                    {"postgresql://u@db.example/m?sslmode=verify-full", ""},
                                    {"postgresql:///m?host=/run/postgresql", ""},
                                    {"postgresql:///m", ""},
                                    {"postgresql://u@localhost,127.0.0.1,[::1]/m", ""}}) {
        CAPTURE(uri);
        CHECK(parse_server_location(uri)->unverified == host);
    }
}

TEST_CASE("several hosts of a URI, each with its port") {
    using Hosts = std::vector<ServerHost>;
    CHECK(connect_options("postgresql://a:1,b:2/m").hosts == Hosts{{"a", "", "1"}, {"b", "", "2"}});
    CHECK(connect_options("postgresql:///m?host=a,b&port=7").hosts ==
          Hosts{{"a", "", "7"}, {"b", "", "7"}});
    CHECK(connect_options("postgresql:///m?host=a,b&hostaddr=192.0.2.1,192.0.2.2").hosts ==
          Hosts{{"a", "192.0.2.1", ""}, {"b", "192.0.2.2", ""}});
    CHECK(connect_options("postgresql://u@a,b/m").hosts == Hosts{{"a", "", ""}, {"b", "", ""}});
    CHECK(connect_options("postgresql://u@a,b:2/m").hosts == Hosts{{"a", "", ""}, {"b", "", "2"}});
    CHECK(connect_options("postgresql://u@a,b/m?sslmode=require").others ==
          std::vector<std::pair<std::string, std::string>>{
              {"dbname", "m"}, {"sslmode", "require"}, {"user", "u"}});
    CHECK(connect_options("postgresql:///m").hosts == Hosts{{"", "", ""}});
    CHECK(connect_options("postgresql:///m").connect_timeout == std::nullopt);
    CHECK(connect_options("postgresql://a/m?connect_timeout=7").connect_timeout ==
          postseal::seconds(7));
    CHECK(connect_options("postgresql://a/m?connect_timeout=0").connect_timeout == std::nullopt);
    CHECK(connect_options("postgresql://a/m?sslmode=verify-full").verifies_server);
    CHECK_FALSE(connect_options("postgresql://a/m?sslmode=require").verifies_server);
}

TEST_CASE("the ports of its hosts") {
    using Ports = std::vector<std::uint16_t>;
    CHECK(parse_server_location("postgresql://db.example:5433/mail")->ports == Ports{5433});
    CHECK(parse_server_location("postgresql://db.example/mail")->ports == Ports{5432});
    CHECK(parse_server_location("postgresql://a:1,b,c:3/mail")->ports == Ports{1, 5432, 3});
    CHECK(parse_server_location("postgresql://a/mail?service=relay")
              ->ports.empty()); // a file says which
}

TEST_CASE("what is not a URI is refused, and a password in it is not repeated") {
    for (const char* uri : {"postgresql://relay:s3cret@db/mail?nonsense=s3cret",
                            "postgresql://relay:s3cret@[::1/mail", "postgresql://x:s3cret%zz@db/m",
                            "postgresql://u:p@s3cret:notaport@/x?s3cret", "host=db password=s3cret",
                            "mysql://relay:s3cret@db/mail"}) {
        const auto location = parse_server_location(uri);
        CAPTURE(uri);
        if (location) {
            CHECK_FALSE(location->shown.contains("p@"));
            continue;
        }
        CHECK_FALSE(location.error().empty());
        CHECK_FALSE(location.error().contains("s3cret"));
    }
    CHECK_FALSE(
        parse_server_location("postgresql://relay:s3cret@db/mail?nonsense=s3cret").has_value());
    CHECK_FALSE(parse_server_location("postgresql://relay:s3cret@[::1/mail").has_value());
    CHECK_FALSE(parse_server_location("host=db password=s3cret").has_value());
}
