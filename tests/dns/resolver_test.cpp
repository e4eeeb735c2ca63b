// SPDX-License-Identifier: BSD-3-Clause
#include "dns/resolver.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::test {
namespace {

TEST_CASE("askable: table") {
    for (const Row& row : read_table("dns/askable.table", 3)) {
        CAPTURE(row.line);
        CHECK(dns::askable(row.fields[0]) == (row.fields[1] == "yes"));
    }
}

TEST_CASE("askable: 253 octets, no more") {
    const std::string label = std::string(63, 'a') + ".";
    CHECK(dns::askable(label + label + label + std::string(61, 'b')));
    CHECK_FALSE(dns::askable(label + label + label + std::string(62, 'b')));
}

TEST_CASE("failure_clause: name, type and cause, printable") {
    dns::Answer answer;
    answer.reason = "SERVFAIL";
    CHECK(dns::failure_clause("mx.example", dns::RrType::aaaa, answer) ==
          "AAAA lookup of mx.example failed: SERVFAIL");
    answer.status = dns::Status::bogus;
    answer.reason = "two\nlines";
    CHECK(dns::failure_clause("mx.example", dns::RrType::tlsa, answer) ==
          "TLSA lookup of mx.example is bogus: two?lines");
    answer.reason.clear();
    CHECK(dns::failure_clause("mx.example", dns::RrType::mx, answer) ==
          "MX lookup of mx.example is bogus: no cause given");
}

TEST_CASE("is_failure: bogus and failed, nothing else") {
    dns::Answer answer;
    for (const auto status : {dns::Status::bogus, dns::Status::failed}) {
        answer.status = status;
        CHECK(dns::is_failure(answer));
    }
    for (const auto status : {dns::Status::found, dns::Status::no_data, dns::Status::nxdomain}) {
        answer.status = status;
        CHECK_FALSE(dns::is_failure(answer));
    }
}

} // namespace
} // namespace postseal::test
