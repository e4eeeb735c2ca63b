// SPDX-License-Identifier: BSD-3-Clause
#include "dns/txt_lookup.h"
#include "support/fake_resolver.h"
#include "support/table.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace postseal::test {
namespace {

TEST_CASE("txt_lookup: table") {
    for (const Row& row : read_table("dns/txt.table", 5)) {
        CAPTURE(row.line);
        VirtualLoop loop;
        FakeResolver resolver(loop, row.fields[0]);
        const auto result =
            loop.run_until_done(dns::txt_lookup(resolver, Domain::parse("example.com").value()));
        std::string state(to_string(result.state));
        const bool invalid = result.state == verdict::RecordState::invalid;
        if (!invalid && !result.reason.empty()) state += ": " + result.reason;
        CHECK(state == row.fields[1]);
        CHECK(result.id == row.fields[2]);
        CHECK(std::to_string(result.ttl.count()) == row.fields[3]);
        if (invalid) CHECK_FALSE(result.reason.empty());
        CHECK(resolver.questions() == std::vector<std::string>{"_mta-sts.example.com TXT"});
    }
}

TEST_CASE("txt_lookup: a domain without room for the prefix cannot have the record") {
    const std::string label = std::string(63, 'a') + ".";
    VirtualLoop loop;
    FakeResolver resolver(loop);
    for (const auto& [rest, questions] : {std::pair(52U, 1U), std::pair(53U, 0U)}) {
        const auto domain = Domain::parse(fmt::format("{0}{0}{0}{1:b>{2}}", label, "", rest));
        REQUIRE(domain);
        resolver.forget_questions();
        const auto result = loop.run_until_done(dns::txt_lookup(resolver, *domain));
        CHECK(result.state == verdict::RecordState::absent);
        CHECK(resolver.questions().size() == questions);
    }
}

} // namespace
} // namespace postseal::test
