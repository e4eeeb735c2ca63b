// SPDX-License-Identifier: BSD-3-Clause
//
// settled() against every completion of every small partial evidence.
#include "postseal/verdict/reply.h"
#include "postseal/verdict/settled.h"

#include "core/verdict/make_evidence.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace postseal;
using namespace postseal::verdict;

namespace {

// A letter a host; "?": pending.
Mx partial_mx(MxState state, std::string_view letters) {
    std::string known(letters);
    for (char& c : known)
        if (c == '?') c = 'F';
    Mx out = test::mx(state, known.empty() ? "-" : known);
    for (std::size_t i = 0; i < letters.size(); i++)
        if (letters[i] == '?') {
            out.hosts[i].lookup = HostLookup::pending;
            out.hosts[i].reason = "not ended yet";
        }
    return out;
}

Mx pending_mx() {
    Mx out;
    out.pending = true;
    out.reason = "not ended yet";
    return out;
}

std::vector<std::string> letter_sets(std::string_view alphabet, std::size_t most) {
    std::vector<std::string> out{""};
    for (std::size_t begin = 0, length = 1; length <= most; length++) {
        const std::size_t end = out.size();
        for (; begin < end; begin++)
            for (const char c : alphabet)
                out.push_back(out[begin] + c);
    }
    return out;
}

std::vector<Mx> partial_sets(std::size_t host_count) {
    std::vector<Mx> out{pending_mx()};
    for (const MxState state :
         {MxState::bogus, MxState::failed, MxState::null_mx, MxState::nxdomain})
        out.push_back(partial_mx(state, ""));
    for (const MxState state : {MxState::secure, MxState::insecure})
        for (const auto& letters : letter_sets("UXNFA?", host_count))
            out.push_back(partial_mx(state, letters));
    return out;
}

std::vector<Mx> completions_of(const Mx& partial) {
    std::vector<Mx> out;
    if (partial.pending) {
        for (const MxState state :
             {MxState::bogus, MxState::failed, MxState::null_mx, MxState::nxdomain})
            out.push_back(test::mx(state, "-"));
        for (const MxState state : {MxState::secure, MxState::insecure})
            for (const auto& letters : letter_sets("UXNFA", 2))
                out.push_back(partial_mx(state, letters));
        return out;
    }
    out.push_back(partial);
    for (std::size_t i = 0; i < partial.hosts.size(); i++) {
        if (partial.hosts[i].lookup != HostLookup::pending) continue;
        std::vector<Mx> more;
        for (const Mx& each : out)
            for (const char letter : std::string_view("UXNFA")) {
                more.push_back(each);
                Host& host = more.back().hosts[i];
                const Domain name = host.name;
                host = test::mx(MxState::secure, std::string(1, letter)).hosts.front();
                host.name = name;
                if (letter == 'F') host.reason = fmt::format("{} SERVFAIL", name.name());
            }
        out = std::move(more);
    }
    return out;
}

Sts promising(mtasts::Mode mode, const char* pattern) {
    return test::in_force(test::policy(mode, {pattern}));
}

std::vector<Sts> all_policies() {
    return {Sts{}, promising(mtasts::Mode::enforce, "*.example.com"),
            promising(mtasts::Mode::testing, "*.example.com")};
}

std::vector<Sts> completions_of(const Sts& partial, bool pending) {
    if (!pending) return {partial};
    std::vector<Sts> out{partial, Sts{.record = RecordState::absent},
                         Sts{.record = RecordState::found, .fetch = FetchState::failed}};
    for (const char* pattern : {"*.example.com", "mx1.example.com"})
        for (const auto mode : {mtasts::Mode::enforce, mtasts::Mode::testing, mtasts::Mode::none})
            out.push_back(promising(mode, pattern));
    return out;
}

constexpr Remembered any_memory[] = {Remembered::nothing, Remembered::no_dane, Remembered::dane};

std::vector<Remembered> completions_of(Remembered partial, bool pending) {
    if (!pending) return {partial};
    return {std::begin(any_memory), std::end(any_memory)};
}

std::vector<Options> all_options() {
    std::vector<Options> out;
    for (const Mixed mixed : {Mixed::mta_sts, Mixed::dane_only, Mixed::dane})
        for (const bool dnssec : {true, false})
            for (const auto level : {DefaultLevel::may, DefaultLevel::encrypt})
                for (const Testing testing : {Testing::report, Testing::enforce})
                    out.push_back({mixed, dnssec, level, testing});
    return out;
}

struct Answer {
    Class cls;
    Level level;
    std::vector<Reply> replies;
    friend bool operator==(const Answer&, const Answer&) = default;
};

Answer answer_to(const Evidence& evidence, const Options& options) {
    const Verdict verdict = judge(evidence, options, test::noon);
    Answer out{verdict.cls, verdict.level, {}};
    for (const ReplyOptions& reply :
         {ReplyOptions{.no_policy = {}}, ReplyOptions{.match = Match::mx, .no_policy = {}},
          ReplyOptions{.form = Form::tlsrpt, .no_policy = {}},
          ReplyOptions{.form = Form::requiretls, .no_policy = {}}})
        out.replies.push_back(render(verdict, evidence, reply));
    return out;
}

std::string described(const Evidence& evidence, const Pending& pending, const Options& options) {
    std::string letters = evidence.mx.pending ? "(pending)" : "";
    for (const Host& host : evidence.mx.hosts)
        letters += host.lookup == HostLookup::pending ? '?' : letter(host.state);
    return fmt::format("MX {} hosts {} remembered {}{} E {}{} mixed {} dnssec {} default {} "
                       "testing {}",
                       to_string(evidence.mx.state), letters, to_string(evidence.remembered),
                       pending.remembered ? "?" : "", evidence.sts.enforced(test::noon),
                       pending.policy ? "?" : "", to_string(options.mixed), options.postfix_dnssec,
                       to_string(options.default_level), to_string(options.testing));
}

struct Tried {
    std::size_t settled = 0;
    std::size_t open = 0;
    std::size_t completions = 0;
};

// Whether settled() says of the evidence what all its completions say.
bool agrees(const Evidence& partial, const Pending& pending, const Options& options, Tried& tried) {
    const Answer early = answer_to(partial, options);
    bool same = true;
    for (const Mx& mx : completions_of(partial.mx))
        for (const Sts& sts : completions_of(partial.sts, pending.policy))
            for (const Remembered remembered :
                 completions_of(partial.remembered, pending.remembered)) {
                Evidence completion = partial;
                completion.partial = false;
                completion.mx = mx;
                completion.sts = sts;
                completion.remembered = remembered;
                same = same && answer_to(completion, options) == early;
                tried.completions++;
                if (!same) goto compared;
            }
compared:
    const bool said = settled(partial, pending, {&options, 1}, test::noon);
    (said ? tried.settled : tried.open)++;
    return said == same;
}

Evidence evidence_with(const Mx& mx, const Sts& sts, Remembered remembered) {
    Evidence out = test::evidence_for("example.com");
    out.partial = true;
    out.mx = mx;
    out.sts = sts;
    out.remembered = remembered;
    return out;
}

} // namespace

TEST_CASE("settled: exactly when every completion has the same verdict and the same replies") {
    const auto options = all_options();
    Tried tried;
    std::size_t turn = 0;
    std::size_t wrong = 0;
    for (const Mx& mx : partial_sets(3))
        for (const Sts& sts : all_policies())
            for (const bool policy_pending : {false, true})
                for (const bool memory_pending : {false, true})
                    for (const Remembered remembered : any_memory) {
                        const bool matters = mx.state == MxState::failed;
                        if (remembered != Remembered::nothing && (memory_pending || !matters))
                            continue;
                        const Pending pending{memory_pending, policy_pending};
                        const Evidence evidence = evidence_with(mx, sts, remembered);
                        // All options where there are few; else some, and others the next time.
                        const std::size_t step = mx.hosts.size() < 2    ? 1
                                                 : mx.hosts.size() == 2 ? 7
                                                                        : 47;
                        for (std::size_t i = turn++ % step; i < options.size(); i += step)
                            if (!agrees(evidence, pending, options[i], tried) && wrong++ < 5)
                                FAIL_CHECK(described(evidence, pending, options[i]));
                    }
    CHECK(wrong == 0);
    CHECK(tried.settled > 4000);
    CHECK(tried.open > 4000);
    CHECK(tried.completions > 40000);
}

TEST_CASE("settled: with an override") {
    Tried tried;
    for (const auto kind :
         {Override::Kind::policy, Override::Kind::ignore, Override::Kind::sts_only})
        for (const Sts& sts : all_policies())
            for (const bool policy_pending : {false, true})
                for (const bool memory_pending : {false, true}) {
                    Mx none;
                    none.state = MxState::insecure;
                    Evidence evidence = evidence_with(none, sts, Remembered::nothing);
                    evidence.override_ = Override{.kind = kind, .policy = "encrypt"};
                    const Pending pending{memory_pending, policy_pending};
                    for (const Options& options : all_options()) {
                        INFO(described(evidence, pending, options));
                        CHECK(agrees(evidence, pending, options, tried));
                    }
                }
    CHECK(tried.settled > 0);
    CHECK(tried.open > 0);
}

TEST_CASE("settled: with override sealed, for which all is looked up") {
    const auto options = all_options();
    Tried tried;
    std::size_t turn = 0;
    for (const Mx& mx : partial_sets(2))
        for (const Sts& sts : all_policies())
            for (const bool policy_pending : {false, true})
                for (const bool memory_pending : {false, true}) {
                    Evidence evidence = evidence_with(mx, sts, Remembered::nothing);
                    evidence.override_ = Override{.kind = Override::Kind::sealed, .policy = {}};
                    const Pending pending{memory_pending, policy_pending};
                    for (std::size_t i = turn++ % 5; i < options.size(); i += 5) {
                        INFO(described(evidence, pending, options[i]));
                        CHECK(agrees(evidence, pending, options[i], tried));
                    }
                }
    CHECK(tried.settled > 100);
    CHECK(tried.open > 100);
}

TEST_CASE("settled: what decide.h says suffices") {
    const Options usual[] = {{}};
    const Sts enforce = promising(mtasts::Mode::enforce, "*.example.com");
    const auto check = [&](MxState state, std::string_view letters, const Sts& sts, Pending pending,
                           std::span<const Options> options) {
        return settled(evidence_with(partial_mx(state, letters), sts, Remembered::nothing), pending,
                       options, test::noon);
    };
    const Pending nothing;
    const Pending sts{.remembered = false, .policy = true};
    const Pending store{.remembered = true, .policy = true};
    SUBCASE("a silent TXT or store does not hold a dane-only") {
        CHECK(check(MxState::secure, "UU", {}, sts, usual));
        CHECK(check(MxState::secure, "UU", enforce, store, usual));
        CHECK_FALSE(check(MxState::secure, "UN", {}, sts, usual));
        CHECK_FALSE(check(MxState::secure, "U?", {}, sts, usual));
    }
    SUBCASE("unless one map's Postfix cannot do DANE") {
        const Options both[] = {{}, {.postfix_dnssec = false}};
        CHECK_FALSE(check(MxState::secure, "UU", {}, sts, both));
        CHECK(check(MxState::secure, "UU", {}, nothing, both));
    }
    SUBCASE("a silent host does not hold what is insecure or has no policy") {
        CHECK(check(MxState::insecure, "??", enforce, nothing, usual));
        CHECK(check(MxState::insecure, "U?", {}, nothing, usual));
        CHECK(check(MxState::secure, "X?", {}, nothing, usual));
        CHECK_FALSE(check(MxState::secure, "N?", {}, nothing, usual));
        CHECK_FALSE(check(MxState::secure, "U?", enforce, nothing, usual));
    }
    SUBCASE("a policy that is held may be replaced by the one that is fetched") {
        CHECK_FALSE(check(MxState::insecure, "N", enforce, sts, usual));
    }
    SUBCASE("a tempfail names what it will name in the end") {
        CHECK(check(MxState::secure, "FX?", enforce, nothing, usual));
        CHECK_FALSE(check(MxState::secure, "?FX", enforce, nothing, usual));
    }
    SUBCASE("a bogus MX RRset needs nothing more, one that is pending everything") {
        CHECK(check(MxState::bogus, "", enforce, store, usual));
        CHECK_FALSE(settled(evidence_with(pending_mx(), {}, Remembered::nothing), nothing, usual,
                            test::noon));
    }
    SUBCASE("a provisional host counts as it stands") {
        Evidence evidence =
            evidence_with(partial_mx(MxState::secure, "N"), {}, Remembered::nothing);
        evidence.mx.hosts[0].lookup = HostLookup::provisional;
        CHECK(settled(evidence, nothing, usual, test::noon));
    }
}
