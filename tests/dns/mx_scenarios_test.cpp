// SPDX-License-Identifier: BSD-3-Clause
#include "dns/mx_lookup.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <string>
#include <vector>

namespace postseal::test {
namespace {

struct Scenario {
    std::size_t line = 0;
    std::string name;
    std::string key;
    std::string world;
    std::vector<std::string> expected;
};

std::vector<Scenario> read_scenarios(const std::string& path) {
    std::ifstream in(std::string(POSTSEAL_TEST_DATA) + "/" + path);
    REQUIRE(in);
    std::vector<Scenario> out;
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); line++) {
        if (text.empty() || text.starts_with('#')) continue;
        if (text.starts_with("== ")) {
            REQUIRE_MESSAGE(text.find(" | ") != std::string::npos, text);
            out.push_back({line, text.substr(3), {}, {}, {}});
        } else if (text.starts_with("ask ")) {
            out.back().key = text.substr(4);
        } else if (text.starts_with("=> ")) {
            out.back().expected.push_back(text.substr(3));
        } else {
            out.back().world += text + "\n";
        }
    }
    return out;
}

std::string with_reason(const std::string& line, const std::string& reason) {
    return reason.empty() ? line : line + ": " + reason;
}

std::string mx_line(const verdict::Mx& mx) {
    std::string out = fmt::format("mx {}", to_string(mx.state));
    if (mx.implicit) out += " implicit";
    if (!mx.canonical_name.empty()) out += " canonical " + mx.canonical_name;
    if (mx.beyond > 0) out += fmt::format(" beyond {}", mx.beyond);
    if (mx.addresses > 0) out += fmt::format(" addresses {}", mx.addresses);
    return with_reason(out + fmt::format(" ttl {}", mx.ttl.count()), mx.reason);
}

std::string host_line(const verdict::Host& host) {
    std::string out =
        fmt::format("host {} {} {}", host.preference, host.name.name(), letter(host.state));
    if (host.address_secure) out += " address-secure";
    if (!host.tlsa_name.empty())
        out += fmt::format(" {} records {}", host.tlsa_name, host.tlsa.size());
    return with_reason(out, host.reason);
}

// "REASON" at the end of an expected line stands for words that another module chose.
std::string like(const std::string& expected, std::string got) {
    constexpr std::string_view any = "REASON";
    if (!expected.ends_with(any)) return got;
    const std::size_t keep = expected.size() - any.size();
    if (got.size() > keep) got.replace(keep, std::string::npos, any);
    return got;
}

TEST_CASE("mx_lookup: scenarios") {
    const auto scenarios = read_scenarios("dns/mx.scenarios");
    CHECK(scenarios.size() >= 50);
    for (const Scenario& scenario : scenarios) {
        CAPTURE(scenario.line);
        CAPTURE(scenario.name);
        VirtualLoop loop;
        FakeResolver resolver(loop, scenario.world);
        const auto nexthop = Nexthop::parse(scenario.key);
        REQUIRE(nexthop);
        const verdict::Mx mx =
            loop.run_until_done(dns::mx_lookup(loop, resolver, *nexthop), std::chrono::hours(1));
        std::vector<std::string> got{mx_line(mx)};
        for (const verdict::Host& host : mx.hosts)
            got.push_back(host_line(host));
        if (!scenario.expected.empty() && scenario.expected.back().starts_with("asked "))
            got.push_back(fmt::format("asked {}", fmt::join(resolver.questions(), ", ")));
        CHECK(got.size() == scenario.expected.size());
        for (std::size_t i = 0; i < std::min(got.size(), scenario.expected.size()); i++)
            CHECK(like(scenario.expected[i], got[i]) == scenario.expected[i]);
        CHECK(resolver.in_flight() == 0);
    }
}

} // namespace
} // namespace postseal::test
