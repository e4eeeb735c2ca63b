// SPDX-License-Identifier: BSD-3-Clause
#include "cli/lint_text.h"

#include <doctest/doctest.h>

using namespace postseal;

TEST_CASE("cli/lint: a record, or its fault with its place") {
    CHECK(cli::lint_record("v=STSv1; id=20260131;").text == "id       20260131\n");
    CHECK(cli::lint_record("v=STSv1; id=20260131;").json ==
          R"({"good":true,"id":"20260131","notes":[]})");
    const auto bad = cli::lint_record("v=STSv1; id=2026-01-31;");
    CHECK_FALSE(bad.good);
    CHECK(bad.text.starts_with("record:1:17: "));
    CHECK(cli::lint_record("v=spf1 -all").text.starts_with("record:1:3: "));
}

TEST_CASE("cli/lint: a policy file, and what of it is perhaps not meant") {
    const auto good = cli::lint_policy(
        "version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 3600\n",
        "mta-sts.txt");
    CHECK(good.good);
    CHECK(good.text == "mode     enforce: mail is sent only to the hosts below, over TLS with a "
                       "matching certificate\nmax_age  3600 s: 1h\nmx       mx.example.com\n       "
                       "  *.example.net\nnote     max_age is less than a day: senders forget the "
                       "policy between two mails (RFC 8461 section 3.2 wants weeks)\n");
    CHECK(good.json.starts_with(
        R"({"good":true,"mode":"enforce","mx":["mx.example.com","*.example.net"],"max_age_s":3600)"));
}

TEST_CASE("cli/lint: what is passed over is noted, of a good policy and of a bad one") {
    CHECK(
        cli::lint_record("v=STSv1 ; id=1;").text.starts_with("id       1\nnote     white space "));
    const auto zero =
        cli::lint_policy("version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 0\n", "f");
    CHECK(zero.good);
    CHECK(zero.text.starts_with("mode     enforce: no sender caches it, because max_age is 0"));
    CHECK_FALSE(zero.text.contains("mail goes only to hosts below"));
    const auto list =
        cli::lint_policy("version: STSv1\nmode: enforce\nmx: a.example, b.example\n", "f");
    CHECK_FALSE(list.good);
    CHECK(list.text.contains("\nnote     line 3: a list of hosts: each host needs an mx line"));
    CHECK(list.json.contains("\"notes\":[\"line 3: a list of hosts"));
    const auto twice = cli::lint_policy("version: STSv1\nmode: none\nmax_age: 1\n", "f",
                                        "Content-Type is sent twice");
    CHECK(twice.text.contains("note     Content-Type is sent twice\n"));
    CHECK(cli::lint_fetch("https://x", "cert-name", "certificate is for y").text ==
          "https://x: cert-name: certificate is for y\n");
}

TEST_CASE("cli/lint: a policy's fault with line and column") {
    const auto of = [](std::string_view text) { return cli::lint_policy(text, "f").text; };
    CHECK(of("version: STSv1\nmode: strict\n").starts_with("f:2:7: mode is "));
    CHECK(of("version: STSv1\nmx:  bad_name\n").starts_with("f:2:6: mx "));
    CHECK(of("version: STSv1\nmode\n").starts_with("f:2:1: "));
    CHECK(of("version: STSv1\nmode: en\x01").starts_with("f:2:9: control character"));
    CHECK(of("version: STSv1\n\nmode: none\n").starts_with("f:2: blank line"));
    CHECK(of("version: STSv1\nmode: none\n").starts_with("f: no max_age"));
    CHECK(cli::lint_policy("mode", "f").json.starts_with(R"({"good":false,"line":1,"column":1,)"));
}
