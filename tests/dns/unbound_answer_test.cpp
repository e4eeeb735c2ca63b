// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_answer.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <tuple>

namespace postseal::test {
namespace {

using dns::Answer;
using dns::Security;
using dns::Status;

TEST_CASE("why_bogus_clause: table") {
    for (const Row& row : read_table("dns/why_bogus.table", 3)) {
        CAPTURE(row.line);
        CHECK(dns::why_bogus_clause(row.fields[0]) == row.fields[1]);
    }
}

TEST_CASE("to_answer: failures have their RCODE's name and nothing else") {
    for (const auto& [rcode, name, failure] :
         {std::tuple(1, "FORMERR", Failure::rcode), std::tuple(2, "SERVFAIL", Failure::servfail),
          std::tuple(4, "NOTIMP", Failure::rcode), std::tuple(5, "REFUSED", Failure::refused),
          std::tuple(6, "YXDOMAIN", Failure::rcode), std::tuple(16, "RCODE 16", Failure::rcode)}) {
        ub_result result{};
        result.rcode = rcode;
        result.ttl = 77;
        Answer expected;
        expected.reason = name;
        expected.failure = failure;
        CHECK(dns::to_answer(result) == expected);
    }
}

TEST_CASE("to_answer: a failure's cause, where libunbound tells it") {
    ub_result result{};
    std::string why = "all servers failed\n";
    result.rcode = 2;
    result.why_bogus = why.data();
    CHECK(dns::to_answer(result).reason == "SERVFAIL: all servers failed?");
}

TEST_CASE("to_answer: bogus goes before everything else") {
    ub_result result{};
    std::array<char*, 2> data{};
    std::string octets = "x";
    std::array<int, 2> length{1, 0};
    data[0] = octets.data();
    result.data = data.data();
    result.len = length.data();
    result.havedata = 1;
    result.bogus = 1;
    result.ttl = 60;
    const Answer answer = dns::to_answer(result);
    CHECK(answer.status == Status::bogus);
    CHECK(answer.reason == "DNSSEC validation failed");
    CHECK(answer.rdata.empty());
    CHECK(answer.ttl == seconds(0));
}

TEST_CASE("to_answer: names and security") {
    ub_result result{};
    std::string qname = "MX.Example.com";
    std::string canon = "mx.example.com.";
    result.qname = qname.data();
    result.canonname = canon.data();
    result.secure = 1;
    result.ttl = 5;
    result.havedata = 1;
    std::array<char*, 1> no_more{};
    result.data = no_more.data();
    Answer answer = dns::to_answer(result);
    CHECK(answer.status == Status::found);
    CHECK(answer.security == Security::secure);
    CHECK(answer.canonical_name.empty());
    CHECK(answer.ttl == seconds(5));
    canon = "Host.example.NET.";
    result.canonname = canon.data();
    result.rcode = 3;
    result.havedata = 0;
    answer = dns::to_answer(result);
    CHECK(answer.status == Status::nxdomain);
    CHECK(answer.canonical_name == "host.example.net");
    CHECK(answer.ttl == seconds(0)); // there is no packet to show a SOA record
}

} // namespace
} // namespace postseal::test
