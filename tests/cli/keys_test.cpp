// SPDX-License-Identifier: BSD-3-Clause
#include "cli/keys.h"

#include <doctest/doctest.h>

using namespace postseal::cli;

TEST_CASE("cli/keys: of an address pasted from mailq the domain counts, and that is said") {
    CHECK(key_of("example.com")->key == "example.com");
    CHECK(key_of("example.com")->note.empty());
    for (const char* word : {"user@example.com", "<user@example.com>", " user@example.com "}) {
        CHECK(key_of(word)->key == "example.com");
        CHECK(key_of(word)->note == "example.com: of an address the domain counts");
    }
    CHECK(key_of("a@b@example.com")->key == "example.com");
    CHECK(key_of("[mx.example.com]:587")->key == "[mx.example.com]:587");
    for (const char* word : {"[192.0.2.1]", "192.0.2.1", "192.0.2.1:587", "[IPv6:2001:db8::1]"})
        CHECK(key_of(word)->key == word);
    CHECK(key_of("mail_1.example.com")->key == "mail_1.example.com");
}

TEST_CASE("cli/keys: what is not a destination is an error that names the character") {
    const auto fault = [](const char* word) {
        const auto key = key_of(word);
        REQUIRE_FALSE(key.has_value());
        CHECK(key.error().status == 64);
        return key.error().text;
    };
    CHECK(fault("ex*ample.com") ==
          "\"ex*ample.com\" is not a destination: \"*\" is in no domain name that takes mail");
    CHECK(fault("example,com").contains("\",\" is in no domain name"));
    CHECK(fault("a b").contains("a blank is in no domain name"));
    CHECK(fault("user@").contains("an empty key"));
    CHECK(fault(".example.com").contains("begins with \".\""));
    CHECK(fault("/var/spool").contains("\"/\" is in no domain"));
    CHECK(fault("example..com").contains("an empty label"));
    // smtp(8) ends at what is only like an address, or bounces the mail.
    for (const char* word : {"192.0.2.256", "[192.0.2.256]", "192.0.2", "12345", "0x7f.1", "a.123",
                             "::1", "::1:25", "fe80::1"}) {
        CAPTURE(word);
        CHECK(fault(word).contains("is not a destination: "));
    }
}
