// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/postconf.h"

#include <doctest/doctest.h>

namespace postseal::test {
namespace {

using namespace doctor;

const PostconfTexts usual{
    .expanded = "compatibility_level = 3.6\nmail_version = 3.7.11\nempty =\nx = a = b\n",
    .named = "compatibility_level = 3.6\nx = $y\n",
    .services = "smtp       inet  n       -       y       -       -       smtpd\n"
                "smtp       unix  -       -       y       -       -       smtp\n"
                "relay      unix  -       n       -       -       -       smtp -o x=y\n"
                "bsmtp      unix  -       n       n       -       -       pipe argv=smtp\n",
    .options = "relay/unix/x = y = z\nsmtp/inet/x = q\nrelay/unix/empty =\n"};

TEST_CASE("parse_version: every form that Postfix has") {
    CHECK(parse_version("3.7.11") == Version{3, 7, 11});
    CHECK(parse_version("3.10.0-RC1") == Version{3, 10, 0});
    CHECK(parse_version("3.12-20260801") == Version{3, 12, 0});
    CHECK(parse_version("2.11") == Version{2, 11, 0});
    CHECK(parse_version("") == Version{});
    CHECK(Version{3, 9, 1} < Version{3, 10, 0});
}

TEST_CASE("parse_postconf: parameters and the services that send mail") {
    const auto postconf = parse_postconf(usual);
    REQUIRE(postconf);
    CHECK(postconf->version == Version{3, 7, 11});
    CHECK(postconf->value("x") == "a = b");
    CHECK(postconf->value("empty") == "");
    CHECK(postconf->named.at("x") == "$y");
    REQUIRE(postconf->clients.size() == 2);
    CHECK(postconf->clients[0] == Client{.service = "smtp/unix", .chrooted = true});
    CHECK(postconf->clients[1] == Client{.service = "relay/unix",
                                         .chrooted = false,
                                         .privileged = true,
                                         .overrides = {{"x", "y = z"}, {"empty", ""}}});
    CHECK(postconf->value(postconf->clients[0], "x") == "a = b");
    CHECK(postconf->value(postconf->clients[1], "x") == "y = z");
}

TEST_CASE("parse_postconf: a chroot by default, below compatibility level 1") {
    PostconfTexts texts = usual;
    texts.expanded = "mail_version = 3.7.11\ncompatibility_level = 0\n";
    texts.services = "smtp unix - - - - - smtp\n";
    CHECK(parse_postconf(texts)->clients[0].chrooted);
    texts.expanded = "mail_version = 3.7.11\ncompatibility_level = 2\n";
    CHECK_FALSE(parse_postconf(texts)->clients[0].chrooted);
    texts.expanded = "mail_version = 2.11.3\n";
    CHECK(parse_postconf(texts)->clients[0].chrooted);
}

TEST_CASE("parse_postconf: a master.cf without smtp(8), and what is not postconf") {
    PostconfTexts texts = usual;
    texts.services = "";
    CHECK(parse_postconf(texts)->clients == std::vector<Client>{Client{}});
    texts.expanded = "hello\n";
    CHECK_FALSE(parse_postconf(texts));
    CHECK_FALSE(parse_postconf({}));
}

} // namespace
} // namespace postseal::test
