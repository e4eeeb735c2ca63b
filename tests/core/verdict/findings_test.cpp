// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/findings.h"

#include "core/verdict/make_evidence.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace postseal;
using namespace postseal::verdict;

namespace {

// mx1, mx2, ... of example.com, and a policy for these patterns.
std::vector<Finding> found(std::string_view letters, std::initializer_list<const char*> patterns,
                           mtasts::Mode mode = mtasts::Mode::enforce,
                           MxState state = MxState::secure) {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(state, letters);
    evidence.sts = test::in_force(test::policy(mode, patterns));
    return findings(evidence, test::noon);
}

} // namespace

TEST_CASE("findings: a policy that fits none, or not all, of the MX hosts") {
    CHECK(found("NN", {"*.example.com"}).empty());
    const auto some = found("NN", {"mx1.example.com"});
    REQUIRE(some.size() == 1);
    CHECK(some[0].code == FindingCode::policy_fits_some);
    CHECK(some[0].text == "the MTA-STS policy does not match 1 of 2 MX hosts: mx2.example.com");
    CHECK(some[0].fix.contains("adds \"mx: mx2.example.com\" to the policy"));
    const auto none = found("NN", {"mx.elsewhere.example"});
    REQUIRE(none.size() == 1);
    CHECK(none[0].code == FindingCode::policy_fits_none);
    CHECK(none[0].text.contains("matches none of the MX hosts: mx1.example.com, mx2.example.com"));
    // Before it is enforced it is worth more to hear of it.
    CHECK(found("N", {"mx.elsewhere.example"}, mtasts::Mode::testing).size() == 1);
    CHECK(found("N", {"mx.elsewhere.example"}, mtasts::Mode::enforce, MxState::insecure).size() ==
          1);
}

TEST_CASE("findings: nothing where no policy counts, or nobody knows the MX hosts") {
    CHECK(found("-", {"mx.elsewhere.example"}, mtasts::Mode::enforce, MxState::failed).empty());
    CHECK(found("-", {"mx.elsewhere.example"}, mtasts::Mode::enforce, MxState::bogus).empty());
    CHECK(found("-", {"mx.elsewhere.example"}).empty());
    CHECK(found("N", {}, mtasts::Mode::none).empty());
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, "N");
    CHECK(findings(evidence, test::noon).empty());
    evidence.sts = test::in_force(test::policy(mtasts::Mode::enforce, {"mx.elsewhere.example"}));
    CHECK(findings(evidence, test::noon).size() == 1);
    evidence.override_ = Override{.policy = "may"};
    CHECK(findings(evidence, test::noon).empty());
    evidence.override_ = Override{.kind = Override::Kind::sealed, .policy = {}};
    CHECK(findings(evidence, test::noon).size() == 1);
}
