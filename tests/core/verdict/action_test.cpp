// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/action.h"

#include "core/verdict/make_evidence.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace postseal;
using namespace postseal::verdict;

namespace {

Evidence found(std::string_view letters) {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, letters);
    evidence.sts.record = RecordState::absent;
    return evidence;
}

Actions telling(std::string_view how) {
    Actions actions;
    for (std::string& text : actions.texts)
        text = how;
    return actions;
}

std::string action(const Evidence& evidence, const Actions& actions) {
    return action_for(decide(evidence, {}, test::noon), evidence, actions);
}

} // namespace

TEST_CASE("an action of the configuration is one that Postfix knows") {
    for (const auto& row : test::read_table("verdict/action.table", 3)) {
        CAPTURE(row.line);
        const auto fault = action_fault(row.fields[0]);
        CHECK(fault.has_value() == (row.fields[1] != "-"));
        if (!fault) continue;
        CAPTURE(*fault);
        CHECK(fault->find(row.fields[1]) != std::string::npos);
    }
}

TEST_CASE("an unknown action names those that are known") {
    const auto fault = action_fault("nonsense");
    REQUIRE(fault);
    for (const char* word :
         {"DUNNO", "OK", "REJECT", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "HOLD", "DISCARD",
          "WARN", "INFO", "PREPEND", "FILTER", "REDIRECT", "BCC", "550"})
        CHECK(fault->find(word) != std::string::npos);
}

TEST_CASE("the class chooses the action") {
    Actions actions;
    for (const Class cls :
         {Class::dane, Class::enforce, Class::may, Class::override_, Class::tempfail})
        actions.of(cls) = "WARN " + std::string(to_string(cls));
    CHECK(action(found("U"), actions) == "WARN dane");
    CHECK(action(found("N"), actions) == "WARN may");
    Evidence evidence = found("N");
    evidence.sts = test::in_force(test::policy(mtasts::Mode::enforce, {"mx1.example.com"}));
    CHECK(action(evidence, actions) == "WARN enforce");
    evidence.mx.state = MxState::bogus;
    CHECK(action(evidence, actions) == "WARN tempfail");
    evidence.override_ = Override{.policy = "encrypt"};
    CHECK(action(evidence, actions) == "WARN override");
    CHECK(action(found("N"), {}) == "DUNNO");
}

TEST_CASE("domain, class and reason stand in the text") {
    const Actions actions = telling("REJECT %d is 100%% %c: %r");
    CHECK(action(found("N"), actions) ==
          "REJECT example.com is 100% may: no host has TLSA records: no policy");
    Evidence evidence = found("U");
    evidence.mx.state = MxState::bogus;
    evidence.mx.reason = "signature\r\nexpired \xff";
    CHECK(action(evidence, actions) == "REJECT example.com is 100% tempfail: MX example.com is "
                                       "bogus: signature??expired ?");
}

TEST_CASE("a text that is written is one line, printable, and at most 1000 octets") {
    Evidence evidence = found("U");
    Verdict verdict = decide(evidence, {}, test::noon);
    verdict.reasons.front() = std::string(5000, '\n');
    const std::string text = "WARN %r%r%r%r %c";
    REQUIRE_FALSE(action_fault(text));
    const std::string told = action_for(verdict, evidence, telling(text));
    CHECK(told.size() == 5 + 4 * 200 + 5);
    CHECK(std::ranges::all_of(told, [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST_CASE("any doubt about the class is DUNNO") {
    const Actions actions = telling("REJECT");
    const auto doubtful = [&](auto change) {
        Evidence evidence = found("N");
        REQUIRE(action(evidence, actions) == "REJECT");
        change(evidence);
        return action(evidence, actions);
    };
    CHECK(doubtful([](Evidence& e) { e.partial = true; }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) { e.sts.record = RecordState::failed; }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) { e.sts.record = RecordState::pending; }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) { e.sts.fetch = FetchState::failed; }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) { e.sts.fetch = FetchState::pending; }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) { e.mx = test::mx(MxState::insecure, "NF"); }) == "DUNNO");
    CHECK(doubtful([](Evidence& e) {
              e.mx.state = MxState::failed;
              e.remembered = Remembered::no_dane;
          }) == "DUNNO");
    // A file that is not a policy was fetched: there is no doubt that there is none.
    CHECK(doubtful([](Evidence& e) { e.sts.fetch = FetchState::invalid; }) == "REJECT");
    CHECK(doubtful([](Evidence& e) { e.sts.record = RecordState::invalid; }) == "REJECT");
}

TEST_CASE("tempfail says itself that something failed, an override needs no lookup") {
    const Actions actions = telling("HOLD");
    Evidence evidence = found("F");
    evidence.sts = test::in_force(test::policy(mtasts::Mode::enforce, {"mx1.example.com"}));
    REQUIRE(decide(evidence, {}, test::noon).cls == Class::tempfail);
    CHECK(action(evidence, actions) == "HOLD");
    Evidence overridden = test::evidence_for("example.com");
    overridden.override_ = Override{.policy = "may"};
    CHECK(action(overridden, actions) == "HOLD");
}
