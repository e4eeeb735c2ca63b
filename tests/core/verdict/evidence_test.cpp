// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/evidence.h"

#include "core/verdict/make_evidence.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

using namespace postseal;
using namespace postseal::verdict;

TEST_CASE("a policy is in force until the moment it expires, and only in mode enforce") {
    using mtasts::Mode;
    Sts sts = test::in_force(test::policy(Mode::enforce, {"mx.example.com"}));
    CHECK(sts.enforced(sts.expires_at - milliseconds(1)));
    CHECK_FALSE(sts.enforced(sts.expires_at)); // RFC 8461 section 3.2: max_age is a lifetime

    sts.record = RecordState::absent; // section 3.3: what DNS or HTTPS say now does not end it
    sts.fetch = FetchState::failed;
    CHECK(sts.enforced(test::noon));

    CHECK_FALSE(
        test::in_force(test::policy(Mode::testing, {"mx.example.com"})).enforced(test::noon));
    CHECK_FALSE(test::in_force(test::policy(Mode::none, {})).enforced(test::noon));
    CHECK_FALSE(Sts{}.enforced(test::noon));
}

TEST_CASE("every state has a letter or a name of its own") {
    std::string letters;
    std::set<std::string_view> names;
    for (const auto state : {HostState::usable, HostState::unusable, HostState::none,
                             HostState::failed, HostState::no_address}) {
        letters += letter(state);
        names.insert(to_string(state));
    }
    CHECK(letters == "UXNFA");
    CHECK(names.size() == 5);

    names.clear();
    for (const auto state : {MxState::secure, MxState::insecure, MxState::bogus, MxState::failed,
                             MxState::null_mx, MxState::nxdomain})
        names.insert(to_string(state));
    CHECK(names == std::set<std::string_view>{"secure", "insecure", "bogus", "failed", "null MX",
                                              "NXDOMAIN"});

    names.clear();
    for (const auto state : {RecordState::pending, RecordState::found, RecordState::absent,
                             RecordState::invalid, RecordState::failed})
        names.insert(to_string(state));
    CHECK(names == std::set<std::string_view>{"pending", "found", "absent", "invalid", "failed"});

    names.clear();
    for (const auto state : {FetchState::not_needed, FetchState::fetched, FetchState::failed,
                             FetchState::invalid, FetchState::pending})
        names.insert(to_string(state));
    CHECK(names ==
          std::set<std::string_view>{"not needed", "fetched", "failed", "invalid", "pending"});

    names.clear();
    for (const auto state : {Remembered::nothing, Remembered::no_dane, Remembered::dane})
        names.insert(to_string(state));
    CHECK(names == std::set<std::string_view>{"nothing", "no DANE", "DANE"});
}
