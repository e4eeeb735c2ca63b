// SPDX-License-Identifier: BSD-3-Clause
#include "cli/explain_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal::cli;

namespace {

const auto both = nlohmann::ordered_json::parse(R"({
 "key":"example.com",
 "verdict":{"class":"dane","level":"dane-only","row":6,"reasons":["first","second"]},
 "mx":{"state":"secure","literal_host":false,"implicit":false,"canonical_name":"","reason":"","ttl_s":300,
  "hosts":[{"name":"mx.example.com","preference":10,"state":"U","meaning":"usable TLSA","address_secure":true,
    "tlsa_name":"_25._tcp.mx.example.com","tlsa":["3 1 1 abab"],"reason":""}],"beyond":2,"addresses":1},
 "mta_sts":{"record":"found","record_id":"one","record_reason":"","fetch":"failed","fetch_fault":"status",
  "fetch_reason":"404 Not Found","retry_at":"2026-11-22T10:05:00Z",
  "policy":{"mode":"enforce","mx":["*.example.com"],"max_age_s":86400,"id":"zero",
   "fetched_at":"2026-11-22T10:00:00Z","expires_at":"2026-11-23T10:00:00Z"}},
 "remembered":"nothing","obtained_at":"2026-11-22T10:00:00Z","holds_s":300,"partial":false,
 "override":{"key":".example.com","policy":"sealed","file":"/x","line":7,"until":"2026-12-31","comment":"why"},
 "findings":[{"code":"policy-fits-none","text":"fits none","fix":"add mx"}],
 "mail":"sent, or deferred","next":"postseal probe example.com",
 "replies":{"postfix":{"kind":"ok","text":"dane-only"},"QUERY":{"kind":"ok","text":"dane-only"},
  "tlsrpt":{"kind":"temp","text":"why"}}
})");

} // namespace

TEST_CASE("evidence, verdict and replies in aligned paragraphs") {
    CHECK(explain_text(both, Colour::no) == R"(example.com: dane dane-only (row 6)
  because   first
            second
  override  /x:7: .example.com sealed, until 2026-12-31; why
  MX        secure
            10 mx.example.com  U: usable TLSA
                _25._tcp.mx.example.com TLSA 3 1 1 abab
            and 2 more hosts, not looked up
            and 1 record with an address in the place of a name
  MTA-STS   record found, id one
            fetch failed (status): 404 Not Found
            next try 2026-11-22T10:05:00Z
            policy enforce (id zero), fetched 2026-11-22T10:00:00Z, until 2026-11-23T10:00:00Z; mx *.example.com
  finding   fits none
            fix: add mx
  reply     postfix, QUERY: dane-only
            tlsrpt: TEMP why
  as of     2026-11-22T10:00:00Z, holds for 300 s
  mail      sent, or deferred
  next      postseal probe example.com
)");
}

TEST_CASE("what a reason says already is not said again with the evidence") {
    postseal::Json twice = both;
    twice["mx"]["reason"] = "signature expired on 2026-01-31";
    twice["mx"]["hosts"][0]["reason"] = "no TLSA record at x";
    twice["verdict"]["reasons"] = {"MX example.com is bogus: signature expired on 2026-01-31"};
    const std::string text = explain_text(twice, Colour::no);
    CHECK(text.find("signature expired") == text.rfind("signature expired"));
    CHECK(text.contains("no TLSA record at x"));
}

TEST_CASE("colour is for the verdict only") {
    const std::string text = explain_text(both, Colour::yes);
    CHECK(text.starts_with("example.com: \x1b[1;32mdane dane-only\x1b[0m (row 6)\n"));
    CHECK(text.substr(text.find('\n')).find('\x1b') == std::string::npos);
}

TEST_CASE("what is not a nexthop has a reason and nothing else") {
    const auto none = nlohmann::ordered_json::parse(
        R"({"key":"[127.0.0.1]","verdict":{"class":"may","level":"-","row":0,"reasons":["an address"]}})");
    CHECK(explain_text(none, Colour::no) == "[127.0.0.1]: may\n  because   an address\n");
}
