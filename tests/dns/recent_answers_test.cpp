// SPDX-License-Identifier: BSD-3-Clause
#include "dns/recent_answers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace postseal::test {
namespace {

using dns::Answer;
using dns::RecentAnswers;
using dns::RrType;
using dns::Security;
using dns::Status;
using namespace std::chrono_literals;

constexpr MonoTime start(1h);

Answer found(seconds ttl) {
    return {.status = Status::found,
            .security = Security::secure,
            .canonical_name = {},
            .rdata = {"1234"},
            .ttl = ttl,
            .reason = {}};
}

} // namespace

TEST_CASE("recent answers: kept for a second less than their TTL, which grows less") {
    RecentAnswers recent;
    CHECK_FALSE(recent.find("mx.example", RrType::a, start));
    recent.keep("mx.example", RrType::a, found(10s), start);
    CHECK(recent.find("mx.example", RrType::a, start) == found(10s));
    CHECK(recent.find("mx.example", RrType::a, start + 2s) == found(8s));
    CHECK(recent.find("mx.example", RrType::a, start + 2001ms) == found(7s));
    CHECK(recent.find("mx.example", RrType::a, start + 8999ms) == found(1s));
    CHECK_FALSE(recent.find("mx.example", RrType::a, start + 9s));
    CHECK_FALSE(recent.find("mx.example", RrType::a, start)); // it has gone
}

TEST_CASE("recent answers: each name and type for itself, the latest counts") {
    RecentAnswers recent;
    Answer absent = found(60s);
    absent.status = Status::no_data;
    absent.rdata.clear();
    recent.keep("mx.example", RrType::a, found(10s), start);
    recent.keep("mx.example", RrType::aaaa, absent, start);
    recent.keep("mx.example", RrType::a, found(20s), start);
    CHECK(recent.find("mx.example", RrType::a, start) == found(20s));
    CHECK(recent.find("mx.example", RrType::aaaa, start) == absent);
    CHECK_FALSE(recent.find("mx.example", RrType::tlsa, start));
    CHECK_FALSE(recent.find("mx2.example", RrType::a, start));
}

TEST_CASE("recent answers: no failure, nothing of a second or less, no type of the domain itself") {
    RecentAnswers recent;
    for (const Status status : {Status::bogus, Status::failed}) {
        Answer failure = found(60s);
        failure.status = status;
        recent.keep("mx.example", RrType::a, failure, start);
    }
    recent.keep("mx.example", RrType::a, found(1s), start);
    CHECK_FALSE(recent.find("mx.example", RrType::a, start));
    for (const RrType type : {RrType::mx, RrType::txt, RrType::cname}) {
        recent.keep("mx.example", type, found(60s), start);
        CHECK_FALSE(recent.find("mx.example", type, start));
    }
}

TEST_CASE("recent answers: what is asked for stays, however many others come by") {
    RecentAnswers recent(100);
    recent.keep("busy.example", RrType::a, found(1h), start);
    recent.keep("idle.example", RrType::a, found(1h), start);
    for (int n = 0; n < 1000; n++) {
        recent.keep(fmt::format("mx{}.example", n), RrType::a, found(1h), start);
        CHECK(recent.find("busy.example", RrType::a, start));
    }
    CHECK_FALSE(recent.find("idle.example", RrType::a, start));
    CHECK(recent.find("mx999.example", RrType::a, start));
}

} // namespace postseal::test
