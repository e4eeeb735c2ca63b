// SPDX-License-Identifier: BSD-3-Clause
#include "cli/texthash.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal;

namespace {

Json kept(std::string_view verdict) {
    Json out = Json::parse(R"({"key":"example.org","row":11,"verdict_since":"2026-11-20T11:00:00Z",
        "seen_at":"2026-11-22T11:30:00Z",
        "policy":{"mode":"enforce","id":"7","expires_at":"2026-12-01T12:00:00Z","in_force":true}})");
    out["verdict"] = verdict;
    out["policy"]["body"] = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmx: *.example.net\n"
                            "max_age: 864000\n";
    return out;
}

// The line behind the comment.
std::string line(const Json& of) {
    const std::string text = cli::texthash_entry(of);
    return text.substr(text.find('\n') + 1);
}

} // namespace

TEST_CASE("cli/texthash: when and why, and the policy as the map postfix has it") {
    CHECK(cli::texthash_entry(kept("enforce")) ==
          "# enforce (row 11) since 2026-11-20T11:00:00Z, recorded 2026-11-22T11:30:00Z; policy "
          "enforce (id 7) until 2026-12-01T12:00:00Z\n"
          "example.org secure match=mx.example.org:.example.net servername=hostname\n");
    CHECK(line(kept("dane-only")) == "example.org dane-only\n");
    CHECK(line(kept("override verify match=x.example")) == "example.org verify match=x.example\n");
}

TEST_CASE("cli/texthash: what cannot be promised is left out, and said") {
    CHECK(cli::texthash_entry(kept("may")) == "");
    CHECK(cli::texthash_entry(kept("tempfail")).starts_with("# example.org: left out: tempfail "));
    CHECK(line(kept("tempfail")) == "");
    Json ended = kept("enforce");
    ended["policy"]["in_force"] = false;
    CHECK(line(ended) == "");
    ended["policy"] = nullptr;
    CHECK(line(ended) == "");
}

TEST_CASE("cli/texthash: nothing that is kept breaks out of its line") {
    for (const char* name : {"key", "verdict", "verdict_since", "seen_at"}) {
        CAPTURE(name);
        Json of = kept("enforce");
        of[name] = std::string(of[name]) + "\nevil.example may\r\033[2J";
        const std::string text = cli::texthash_entry(of);
        CHECK_FALSE(text.contains("\nevil"));
        CHECK_FALSE(text.contains('\r'));
        CHECK_FALSE(text.contains('\033'));
    }
    for (const char* name : {"id", "mode", "expires_at"}) {
        CAPTURE(name);
        Json of = kept("tempfail");
        of["policy"][name] = "7\nevil.example may";
        CHECK_FALSE(cli::texthash_entry(of).contains("\nevil"));
    }
}
