// SPDX-License-Identifier: BSD-3-Clause
#include "engine/outlook.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace postseal;

namespace {

engine::Outlook of(std::string_view cls, std::string_view level, int row, std::string_view replies,
                   std::string_view mx = "secure") {
    return engine::outlook(Json::parse(fmt::format(
        R"({{"key":"example.com","verdict":{{"class":"{}","level":"{}","row":{}}},"mx":{{"state":"{}"}},
            "replies":{}}})",
        cls, level, row, mx, replies)));
}

constexpr const char* not_found = R"({"postfix":{"kind":"not-found","text":""}})";

} // namespace

TEST_CASE("engine/outlook: mail that is deferred says why in Postfix's words, and what helps") {
    const auto bogus = of("tempfail", "-", 3,
                          R"({"postfix":{"kind":"temp","text":"MX example.com is bogus: x"}})");
    CHECK(bogus.mail == "deferred: client TLS configuration problem; in the log: MX example.com is "
                        "bogus: x");
    CHECK(bogus.next == "the domain's operator must put its DNSSEC right; then: postseal refresh "
                        "example.com; postqueue -s example.com");
    const auto next = [](std::string_view reason) {
        return of("tempfail", "-", 5,
                  fmt::format(R"({{"postfix":{{"kind":"temp","text":"{}"}}}})", reason))
            .next;
    };
    CHECK(next("MX example.com: lookup failed: SERVFAIL; DANE may be in use")
              .starts_with("postseal doctor, which says whether our own DNS works"));
    // What is our own failure is not blamed on the domain.
    for (const char* ours :
         {"MTA-STS example.com: the policy that may be stored is not known: disk I/O error",
          "MTA-STS example.com: the policy host has not been asked yet: others come first",
          "12 lookups are at work and 3 wait (limits.lookups)",
          "the MTA-STS policy does not fit into a reply of 4096 octets: example.com",
          "postseal could not write the TLS policy, its log says why"}) {
        CAPTURE(ours);
        CHECK_FALSE(next(ours).contains("operator"));
    }
    const auto sealed =
        of("tempfail", "-", 1,
           R"({"postfix":{"kind":"temp","text":"override sealed: example.com has"}})");
    CHECK(sealed.next.contains("postseal overrides set example.com POLICY"));
}

TEST_CASE("engine/outlook: where a certificate decides, probe is named") {
    const auto dane = of("dane", "dane-only", 6, R"({"postfix":{"kind":"ok","text":"dane-only"}})");
    CHECK(dane.mail.contains("certificate fits its TLSA records"));
    CHECK(dane.mail.ends_with("else deferred: Server certificate not trusted"));
    CHECK(dane.next == "postseal probe example.com");
    const auto enforce =
        of("enforce", "secure", 11, R"({"postfix":{"kind":"ok","text":"secure"}})");
    CHECK(enforce.mail.ends_with("else deferred: Server certificate not verified"));
    CHECK(enforce.next == "postseal probe example.com");
}

TEST_CASE("engine/outlook: a map that defers where others do not is named") {
    const auto some =
        of("enforce", "secure", 11,
           R"({"exact":{"kind":"temp","text":"the MTA-STS policy of example.com fits none"},
                             "postfix":{"kind":"ok","text":"secure"},
                             "requiretls":{"kind":"ok","text":"enforce"}})");
    CHECK(some.mail.ends_with(
        "; by map exact deferred: the MTA-STS policy of example.com fits none"));
    const auto all =
        of("enforce", "secure", 11,
           R"({"exact":{"kind":"temp","text":"the MTA-STS policy of example.com fits none"},
                            "requiretls":{"kind":"ok","text":"enforce"}})");
    CHECK(all.mail.starts_with("deferred: "));
    CHECK(all.next.contains("correct its policy or its MX records"));
}

TEST_CASE("engine/outlook: without a promise main.cf decides, or there is nowhere to deliver to") {
    CHECK(of("may", "-", 11, not_found)
              .mail.starts_with("sent as main.cf's smtp_tls_security_level"));
    CHECK(of("may", "-", 2, not_found, "NXDOMAIN").mail ==
          "bounced: Host or domain name not found");
    CHECK(of("may", "-", 2, not_found, "null MX").mail ==
          "bounced: Domain does not accept mail (nullMX)");
    CHECK(of("may", "-", 2, not_found).mail.starts_with("bounced: no MX host of the domain has"));
    const auto override_ = of("override", "-", 1, R"({"postfix":{"kind":"ok","text":"encrypt"}})");
    CHECK(override_.mail.starts_with("sent at \"encrypt\", as the override says"));
    CHECK(of("may", "-", 0, not_found).next.contains("a table before postseald"));
}
