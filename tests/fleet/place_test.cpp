// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/place.h"

#include <doctest/doctest.h>

using namespace postseal::fleet;

TEST_CASE("a connection URI is shown without its password") {
    const auto place = parse_place("postgresql://relay:s3cret@db.example:5433/mail?sslmode=require"
                                   "&sslpassword=hidden&sslrootcert=/etc/ca.pem&sslkey=relative");
    REQUIRE(place.has_value());
    CHECK(place->shown == "postgresql://relay@db.example:5433/mail");
    CHECK(place->files == std::vector<std::string>{"/etc/ca.pem"});
    CHECK(passwords_of("postgresql://relay:s3cret@db/mail?sslpassword=hidden") ==
          std::vector<std::string>{"s3cret", "hidden"});
    CHECK(parse_place("postgresql:///mail?host=/run/postgresql")->shown ==
          "postgresql:///run/postgresql/mail");
    CHECK(parse_place("postgres://a,b/mail")->shown == "postgresql://a,b/mail");
}

TEST_CASE("what is no URI is refused, and a password in it is not repeated") {
    for (const char* uri : {"postgresql://relay:s3cret@db/mail?nonsense=s3cret",
                            "postgresql://relay:s3cret@[::1/mail", "postgresql://x:s3cret%zz@db/m",
                            "postgresql://u:p@s3cret:notaport@/x?s3cret", "host=db password=s3cret",
                            "mysql://relay:s3cret@db/mail"}) {
        const auto place = parse_place(uri);
        CAPTURE(uri);
        if (place) {
            CHECK_FALSE(place->shown.contains("p@"));
            continue;
        }
        CHECK_FALSE(place.error().empty());
        CHECK_FALSE(place.error().contains("s3cret"));
    }
    CHECK_FALSE(parse_place("postgresql://relay:s3cret@db/mail?nonsense=s3cret").has_value());
    CHECK_FALSE(parse_place("postgresql://relay:s3cret@[::1/mail").has_value());
    CHECK_FALSE(parse_place("host=db password=s3cret").has_value());
}
