// SPDX-License-Identifier: BSD-3-Clause
//
// decide() and render() against the decision table written another way.
#include "postseal/verdict/decide.h"
#include "postseal/verdict/postfix_policy.h"
#include "postseal/verdict/reply.h"

#include "core/verdict/make_evidence.h"
#include "core/verdict/table_oracle.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace postseal;
using namespace postseal::verdict;
using test::row_by_list;
using test::word_of;

namespace {

std::string_view oracle(const Evidence& evidence, const Options& options) {
    return test::table_says(evidence, options, evidence.sts.enforced(test::noon));
}

int strength(std::string_view word) {
    if (word == "may") return 0;
    if (word == "dane") return 1;
    return word == "tempfail" ? 3 : 2;
}

// What Postfix would do with the reply: the level it reads, or that it defers.
std::string level_read(const Reply& reply, Form form) {
    if (reply.kind == Reply::Kind::not_found) return "may";
    if (reply.kind == Reply::Kind::temp) return "tempfail";
    const auto read = read_postfix_policy(reply.text, form);
    return read ? read->level : "unreadable: " + reply.text;
}

std::vector<std::string> multisets() {
    std::vector<std::string> out{"-"};
    const std::string letters = "UXNFA";
    for (std::size_t a = 0; a < 5; a++) {
        out.push_back({letters[a]});
        for (std::size_t b = a; b < 5; b++) {
            out.push_back({letters[a], letters[b]});
            for (std::size_t c = b; c < 5; c++)
                out.push_back({letters[a], letters[b], letters[c]});
        }
    }
    return out;
}

std::vector<Options> all_options() {
    std::vector<Options> out;
    using L = DefaultLevel;
    for (const Mixed mixed : {Mixed::mta_sts, Mixed::dane_only, Mixed::dane})
        for (const bool dnssec : {true, false})
            for (const L level : {L::none, L::may, L::dane, L::encrypt, L::dane_only,
                                  L::fingerprint, L::verify, L::secure})
                out.push_back({.mixed = mixed, .postfix_dnssec = dnssec, .default_level = level});
    return out;
}

std::string told(const Evidence& evidence, const Options& options, const Verdict& verdict) {
    std::string letters;
    for (const Host& host : evidence.mx.hosts)
        letters += letter(host.state);
    return fmt::format("MX {} hosts {}+{} remembered {} E {} mixed {} dnssec {} default {}: row {} "
                       "{}, should be row {} {}",
                       to_string(evidence.mx.state), letters, evidence.mx.beyond,
                       to_string(evidence.remembered), evidence.sts.enforced(test::noon),
                       to_string(options.mixed), options.postfix_dnssec,
                       to_string(options.default_level), verdict.row, word_of(verdict),
                       row_by_list(evidence), oracle(evidence, options));
}

// Empty, or what is wrong.
std::string fault(const Evidence& evidence, const Options& options) {
    const Verdict verdict = decide(evidence, options, test::noon);
    const auto word = oracle(evidence, options);
    if (strength(word_of(verdict)) < strength(word)) return "weaker than the table";
    if (word_of(verdict) != word || verdict.row != row_by_list(evidence)) return "not the table's";
    for (const Form form : {Form::legacy, Form::tlsrpt}) {
        const Reply reply = render(verdict, evidence, {.form = form, .no_policy = {}});
        if (!reply.defect.empty()) return reply.defect;
        if (level_read(reply, form) != word) return level_read(reply, form);
    }
    return {};
}

// Every set of hosts that the table tells apart, once.
std::vector<Evidence> all_evidence() {
    const Sts enforce = test::in_force(test::policy(mtasts::Mode::enforce, {"*.example.com"}));
    const Sts testing = test::in_force(test::policy(mtasts::Mode::testing, {"*.example.com"}));
    const auto sets = {"-",  "A",  "U",  "X",   "N",   "F",   "UX",  "UN",  "UF",
                       "XN", "XF", "NF", "UXN", "UXF", "UNF", "XNF", "UXNF"};
    std::vector<Evidence> out;
    for (const MxState state : {MxState::secure, MxState::insecure, MxState::bogus, MxState::failed,
                                MxState::null_mx, MxState::nxdomain})
        for (const auto* set : sets)
            for (const Sts& sts : {enforce, testing, Sts{}})
                for (const auto remembered :
                     {Remembered::nothing, Remembered::no_dane, Remembered::dane}) {
                    if (remembered != Remembered::nothing && state != MxState::failed) continue;
                    out.push_back(test::evidence_for("example.com"));
                    out.back().mx = test::mx(state, set);
                    out.back().sts = sts;
                    out.back().remembered = remembered;
                }
    return out;
}

// Of what mail is sure to get: dane may end without encryption, encrypt authenticates nobody.
int floor_of(std::string_view level) {
    const std::string_view weakest_first[] = {"none", "may", "dane", "encrypt"};
    const auto* at = std::ranges::find(weakest_first, level);
    return static_cast<int>(at - std::begin(weakest_first)) + (level == "tempfail" ? 1 : 0);
}

// Where nothing is found, main.cf's level applies.
std::string level_applied(const Reply& reply, Form form, DefaultLevel main_cf) {
    if (reply.kind == Reply::Kind::not_found) return std::string(to_string(main_cf));
    return level_read(reply, form);
}

// Empty, or in what way the reply is weaker than it may be.
std::string weakness(const Verdict& verdict, const Evidence& evidence, const Options& options,
                     const ReplyOptions& how) {
    const Reply reply = render(verdict, evidence, how);
    if (!reply.defect.empty()) return reply.defect;
    const std::string level = level_applied(reply, how.form, options.default_level);
    if (level.starts_with("unreadable")) return level;
    if (floor_of(level) < floor_of(to_string(options.default_level)))
        return level + ", weaker than main.cf's level";
    // What the row says, before default_level takes opportunistic DANE back.
    Options plain = options;
    plain.default_level = DefaultLevel::may;
    const auto word = oracle(evidence, plain);
    if (word != "may" && floor_of(level) < floor_of(word)) return level + ", weaker than the table";
    return {};
}

} // namespace

TEST_CASE("no reply is weaker than default_level or than the table, whatever no_policy says") {
    const auto evidence = all_evidence();
    REQUIRE(evidence.size() == 17 * 3 * (5 + 3));
    std::size_t tried = 0;
    std::size_t wrong = 0;
    for (const Evidence& one : evidence)
        for (const Options& options : all_options()) {
            const Verdict verdict = decide(one, options, test::noon);
            for (const Form form : {Form::legacy, Form::tlsrpt})
                for (const std::string no_policy :
                     {"", "none", "may", "encrypt", "dane", "dane-only"}) {
                    tried++;
                    const ReplyOptions how{.form = form,
                                           .no_policy = no_policy,
                                           .default_level = options.default_level};
                    const std::string why = weakness(verdict, one, options, how);
                    if (why.empty()) continue;
                    if (wrong++ < 5)
                        FAIL_CHECK("no_policy \"" << no_policy << "\": " << why << " -- "
                                                  << told(one, options, verdict));
                }
        }
    CHECK(tried == evidence.size() * all_options().size() * 12);
    CHECK(wrong == 0);
}

TEST_CASE("no reply to what an override leaves open is weaker than default_level") {
    for (Evidence one : all_evidence())
        for (const Options& options : all_options())
            for (const auto kind : {Override::Kind::ignore, Override::Kind::sts_only}) {
                one.override_ = Override{.kind = kind, .policy = {}};
                const Verdict verdict = decide(one, options, test::noon);
                for (const std::string no_policy :
                     {"", "none", "may", "encrypt", "dane", "dane-only"}) {
                    const Reply reply =
                        render(verdict, one,
                               {.no_policy = no_policy, .default_level = options.default_level});
                    const auto level = level_applied(reply, Form::legacy, options.default_level);
                    if (floor_of(level) < floor_of(to_string(options.default_level)))
                        FAIL(level << " with default_level " << to_string(options.default_level)
                                   << " and no_policy " << no_policy);
                }
            }
}

TEST_CASE("every combination of evidence and options gets the table's word, and Postfix reads it") {
    const auto sets = multisets();
    const auto options = all_options();
    REQUIRE(sets.size() == 56);
    const Sts enforce = test::in_force(test::policy(mtasts::Mode::enforce, {"*.example.com"}));
    const Sts testing = test::in_force(test::policy(mtasts::Mode::testing, {"*.example.com"}));
    std::size_t turn = 0;
    std::size_t tried = 0;
    std::size_t wrong = 0;
    for (const MxState state : {MxState::secure, MxState::insecure, MxState::bogus, MxState::failed,
                                MxState::null_mx, MxState::nxdomain})
        for (const auto& set : sets)
            for (const std::size_t beyond : {0U, 2U}) {
                Evidence evidence = test::evidence_for("example.com");
                evidence.mx = test::mx(state, set);
                evidence.mx.beyond = beyond;
                for (const Sts& sts : {enforce, testing, Sts{}})
                    for (const auto remembered :
                         {Remembered::nothing, Remembered::no_dane, Remembered::dane}) {
                        evidence.sts = sts;
                        evidence.remembered = remembered;
                        // A quarter of the options each time, another quarter the next.
                        for (std::size_t i = turn++ % 4; i < options.size(); i += 4) {
                            tried++;
                            const auto why = fault(evidence, options[i]);
                            if (why.empty()) continue;
                            wrong++;
                            const Verdict verdict = decide(evidence, options[i], test::noon);
                            if (wrong <= 5)
                                FAIL_CHECK(why << " -- " << told(evidence, options[i], verdict));
                        }
                    }
            }
    CHECK(tried == 72'576);
    CHECK(wrong == 0);
}
