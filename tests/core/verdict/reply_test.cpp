// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/reply.h"

#include "core/verdict/make_evidence.h"
#include "postseal/verdict/postfix_policy.h"
#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace postseal;
using namespace postseal::verdict;

namespace {

using mtasts::Mode;
using Kind = Reply::Kind;

std::vector<std::string> words(const std::string& text) {
    std::istringstream in(text == "-" ? "" : text);
    std::vector<std::string> out;
    for (std::string word; in >> word;)
        out.push_back(word);
    return out;
}

Evidence enforcing(std::string_view key, const std::vector<std::string>& patterns,
                   const std::vector<std::string>& hosts) {
    Evidence out = test::evidence_for(key);
    for (const auto& name : hosts) {
        Host host = test::mx(MxState::secure, "N").hosts[0];
        host.name = test::domain(name);
        out.mx.hosts.push_back(host);
    }
    if (hosts.empty()) { // row 4
        out.mx.state = MxState::failed;
        out.remembered = Remembered::no_dane;
    }
    if (patterns.empty()) return out;
    auto policy = test::policy(Mode::enforce, {});
    for (const auto& text : patterns) {
        policy.mx.push_back(mtasts::MxPattern::parse(text).value());
        policy.lines.insert(policy.lines.end() - 1, "mx: " + text);
    }
    out.sts = test::in_force(policy);
    return out;
}

bool has(const std::vector<std::string>& reasons, std::string_view reason) {
    return std::ranges::find(reasons, reason) != reasons.end();
}

Reply reply_to(const Evidence& evidence, const ReplyOptions& options, Options how = {}) {
    return render(decide(evidence, how, test::noon), evidence, options);
}

std::string told(const Reply& reply) {
    switch (reply.kind) {
    case Kind::ok:
        return reply.text;
    case Kind::not_found:
        return "NOTFOUND";
    case Kind::temp:
        return "TEMP " + reply.text;
    }
    return "?";
}

// The values of one attribute, as Postfix reads them.
std::vector<std::string> values(const Reply& reply, Form form, std::string_view name) {
    const auto read = read_postfix_policy(reply.text, form);
    REQUIRE(read.has_value());
    std::vector<std::string> out;
    for (const auto& attribute : read->attributes)
        if (attribute.first == name) out.push_back(attribute.second);
    return out;
}

std::vector<std::string> many_names(std::size_t count) {
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; i++)
        out.push_back(fmt::format("mx{}.example.com", i));
    return out;
}

const ReplyOptions tlsrpt{.form = Form::tlsrpt, .no_policy = {}};

} // namespace

TEST_CASE("a policy is written as the table says") {
    for (const auto& row : test::read_table("verdict/reply.table", 7)) {
        CAPTURE(row.line);
        const Evidence evidence =
            enforcing(row.fields[0], words(row.fields[1]), words(row.fields[2]));
        ReplyOptions options;
        options.form = test::need(form_names.find(row.fields[3]));
        options.match = test::need(match_words.find(row.fields[4]));
        const Reply reply = reply_to(evidence, options);
        CHECK(told(reply) == row.fields[5]);
        CHECK(reply.defect.empty());
        if (reply.kind == Kind::ok && options.form != Form::requiretls)
            CHECK(read_postfix_policy(reply.text, options.form).has_value());
    }
}

TEST_CASE("dane and dane-only are written alone in both forms") {
    Evidence evidence = test::evidence_for("example.com");
    for (const Form form : {Form::legacy, Form::tlsrpt}) {
        evidence.mx = test::mx(MxState::secure, "U");
        CHECK(told(reply_to(evidence, {.form = form, .no_policy = {}})) == "dane-only");
        evidence.mx = test::mx(MxState::secure, "UN");
        CHECK(told(reply_to(evidence, {.form = form, .no_policy = {}})) == "dane");
        // A policy beside DANE adds nothing: Postfix reports DANE itself.
        evidence.mx = test::mx(MxState::secure, "U");
        evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
        CHECK(told(reply_to(evidence, {.form = form, .no_policy = {}})) == "dane-only");
        evidence.sts = {};
    }
}

TEST_CASE("requiretls is enforced where the TLS policy authenticates, and nowhere else") {
    const ReplyOptions options{.form = Form::requiretls, .no_policy = {}};
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, "U");
    CHECK(told(reply_to(evidence, options)) == "enforce");
    evidence.mx = test::mx(MxState::secure, "UN"); // dane may end as may
    CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    // A host that may be a relay: Postfix asks so about [host]:587, too, where there may be no
    // TLSA.
    evidence.mx = test::mx(MxState::secure, "U");
    evidence.mx.implicit = true;
    CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    CHECK(told(reply_to(evidence, options)) == "enforce"); // the policy is that of [host]:587, too
    evidence.sts.expires_at = evidence.obtained_at;
    CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    evidence.sts = {};
    evidence.mx = test::mx(MxState::secure, "UU");
    evidence.mx.hosts[1].name = evidence.nexthop.domain; // its own MX
    CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    Evidence literal = test::evidence_for("[example.com]");
    literal.mx = test::mx(MxState::secure, "U");
    CHECK(told(reply_to(literal, options)) == "opportunistic+starttls");
    evidence.mx = test::mx(MxState::bogus, "-");
    CHECK(told(reply_to(evidence, options)) ==
          "TEMP MX example.com is bogus: signature of example.com expired");

    for (const char* level : {"secure match=mx.example.com", "verify", "DANE-ONLY",
                              "fingerprint match=aa:bb", "\tverify\tmatch=hostname"}) {
        CAPTURE(level);
        evidence.override_ = Override{.policy = level};
        evidence.other_forms = {}; // [example.com]:587 goes by whatever it promises
        CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
        evidence.other_forms = {.all_overridden = true};
        CHECK(told(reply_to(evidence, options)) == "enforce");
        evidence.other_forms = {.all_overridden = true, .unauthenticated = true};
        CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
        evidence.other_forms = {.all_overridden = true, .sts_only = true};
        CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    }
    for (const char* level : {"dane", "encrypt", "may", "none", "encrypt protocols=TLSv1.3"}) {
        CAPTURE(level);
        evidence.override_ = Override{.policy = level};
        evidence.other_forms = {.all_overridden = true};
        CHECK(told(reply_to(evidence, options)) == "opportunistic+starttls");
    }
    evidence.override_ = Override{.policy = "sometimes"};
    CHECK(reply_to(evidence, options).kind == Kind::temp);
    CHECK_FALSE(reply_to(evidence, options).defect.empty());
}

TEST_CASE("requiretls is not enforced where an override lets another form of the name go") {
    const ReplyOptions options{.form = Form::requiretls, .no_policy = {}};
    Evidence promised = test::evidence_for("example.com");
    promised.mx = test::mx(MxState::insecure, "N");
    promised.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    CHECK(told(reply_to(promised, options)) == "enforce");
    promised.other_forms = {.sts_only = true}; // which has the same policy
    CHECK(told(reply_to(promised, options)) == "enforce");
    promised.other_forms = {.unauthenticated = true};
    CHECK(told(reply_to(promised, options)) == "opportunistic+starttls");

    // A policy of mode testing that counts as enforced does so for each form.
    Evidence testing = promised;
    testing.other_forms = {};
    testing.sts = test::in_force(test::policy(Mode::testing, {"*.example.com"}));
    const Verdict verdict = decide(testing, {.testing = Testing::enforce}, testing.obtained_at);
    REQUIRE(verdict.cls == Class::enforce);
    CHECK(told(render(verdict, testing, options)) == "enforce");

    Evidence dane = test::evidence_for("example.com");
    dane.mx = test::mx(MxState::secure, "U");
    CHECK(told(reply_to(dane, options)) == "enforce");
    dane.other_forms = {.unauthenticated = true};
    CHECK(told(reply_to(dane, options)) == "opportunistic+starttls");
    dane.other_forms = {.sts_only = true}; // without a policy it promises nothing
    CHECK(told(reply_to(dane, options)) == "opportunistic+starttls");
    dane.mx.implicit = true; // it may be a relay, whose other ports are overridden
    dane.other_forms = {.all_overridden = true};
    CHECK(told(reply_to(dane, options)) == "enforce");
}

TEST_CASE("what is not a nexthop is not found, but to requiretls that would mean enforce") {
    CHECK(told(no_nexthop(Form::legacy)) == "NOTFOUND");
    CHECK(told(no_nexthop(Form::tlsrpt)) == "NOTFOUND");
    CHECK(told(no_nexthop(Form::requiretls)) == "opportunistic+starttls");
}

TEST_CASE("no_policy says a level where there is no promise, and nowhere else") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::insecure, "N");
    for (const auto* level : {"may", "encrypt", "dane", "dane-only", "may ciphers=medium"}) {
        CHECK(told(reply_to(evidence, {.no_policy = level})) == level);
        CHECK(told(reply_to(evidence, {.form = Form::tlsrpt, .no_policy = level})) == level);
    }
    evidence.mx = test::mx(MxState::insecure, "U");
    CHECK(told(reply_to(evidence, {.no_policy = "encrypt"})) == "dane");
    evidence.mx = test::mx(MxState::bogus, "-");
    CHECK(reply_to(evidence, {.no_policy = "encrypt"}).kind == Kind::temp);

    evidence.mx = test::mx(MxState::insecure, "N");
    const Reply reply = reply_to(evidence, {.no_policy = "sometimes"});
    CHECK(reply.kind == Kind::temp);
    CHECK(reply.defect ==
          "Postfix would not read no_policy \"sometimes\": invalid level sometimes");
}

TEST_CASE("a no_policy weaker than default_level is not said, so that main.cf's level applies") {
    using L = DefaultLevel;
    struct Pair {
        const char* no_policy;
        L default_level;
        bool said;
    };
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::insecure, "N");
    for (const Pair& pair : {
             Pair{"none", L::none, true},
             {"none", L::may, false},
             {"may", L::may, true},
             {"may", L::dane, false},
             {"dane", L::dane, true},
             {"encrypt", L::dane, true}, // nothing is promised, and clear text is refused
             {"dane", L::encrypt, false},
             {"encrypt", L::encrypt, true},
             {"encrypt ciphers=high", L::encrypt, true},
             {"may ciphers=high", L::encrypt, false},
             {"encrypt", L::dane_only, false},
             {"encrypt", L::secure, false},
             {"dane-only", L::secure, true},
             {"dane-only", L::fingerprint, true},
         }) {
        CAPTURE(pair.no_policy);
        CAPTURE(to_string(pair.default_level));
        for (const Form form : {Form::legacy, Form::tlsrpt})
            CHECK(told(reply_to(evidence,
                                {.form = form,
                                 .no_policy = pair.no_policy,
                                 .default_level = pair.default_level},
                                {.default_level = pair.default_level})) ==
                  (pair.said ? pair.no_policy : "NOTFOUND"));
    }
}

TEST_CASE("a tempfail's reason is the reply") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::bogus, "-");
    CHECK(told(reply_to(evidence, {})) ==
          "TEMP MX example.com is bogus: signature of example.com expired");
    Verdict verdict = decide(evidence, {}, test::noon);
    verdict.temp_reason = "two\nlines " + std::string(300, 'x');
    const Reply reply = render(verdict, evidence, tlsrpt);
    CHECK(reply.text.starts_with("two?lines xxx"));
    CHECK(reply.text.size() == 200);
    CHECK(reply.defect.empty());
}

TEST_CASE("an override goes out as it is") {
    Evidence evidence = enforcing("example.com", {"mx.example.com"}, {"mx.example.com"});
    for (const auto* text :
         {"none", "verify  match=hostname:.example.com\ttafile=/etc/ca.pem", "secure",
          "may enable_rpk=yes", "secure policy_type=sts mx_host_pattern=a { policy_string = b }"}) {
        evidence.override_ = Override{.policy = text};
        for (const Form form : {Form::legacy, Form::tlsrpt})
            CHECK(reply_to(evidence, {.form = form, .no_policy = "may"}) ==
                  Reply{.kind = Kind::ok, .text = text, .defect = {}});
    }
    evidence.override_ = Override{.policy = "secure match="};
    const Reply reply = reply_to(evidence, {});
    CHECK(reply.kind == Kind::temp);
    CHECK(reply.defect == "Postfix would not read the override \"secure match=\": attribute match "
                          "has a bad value: \"\"");
}

TEST_CASE("policy strings Postfix or a report could misread are left out") {
    Evidence evidence = enforcing("example.com", {"mx.example.com"}, {"mx.example.com"});
    std::vector<std::string> lines;
    const auto strings = [&] {
        auto policy = test::need(evidence.sts.policy);
        policy.lines = lines;
        evidence.sts.policy = policy;
        return values(reply_to(evidence, tlsrpt), Form::tlsrpt, "policy_string");
    };
    lines = {"version: STSv1",
             "x: {",
             "x: }",
             "x: a\tb",
             "x: a\rb",
             "x: \x7f",
             "",
             "x: \xc3\xa9",
             std::string("\0", 1),
             " x: blank first",
             "mode: enforce",
             "x: \x1b[31m",
             "x:a,b=c \"d\" \\ #",
             "max_age: 604800"};
    CHECK(strings() == std::vector<std::string>{"version: STSv1", "mode: enforce",
                                                "x:a,b=c \"d\" \\ #", "max_age: 604800"});

    // None left, or a store that kept none: the policy as it was understood.
    const std::vector<std::string> rebuilt{"version: STSv1", "mode: enforce", "mx: mx.example.com",
                                           "max_age: 604800"};
    lines = {"version: STSv1 {", "mode: enforce }"};
    CHECK(strings() == rebuilt);
    lines.clear();
    CHECK(strings() == rebuilt);
}

TEST_CASE("a policy too long for a reply loses strings, then patterns, then the form") {
    const auto names = many_names(40);
    const Evidence evidence =
        enforcing("example.com", names, {"mx7.example.com", "mx3.example.com"});
    const Reply whole = reply_to(evidence, tlsrpt);
    CHECK(values(whole, Form::tlsrpt, "policy_string").size() == 43);
    CHECK(values(whole, Form::tlsrpt, "mx_host_pattern").size() == 40);
    ReplyOptions options = tlsrpt;
    options.limit = whole.text.size();
    CHECK(reply_to(evidence, options) == whole);

    options.limit--;
    const Reply no_strings = reply_to(evidence, options);
    CHECK(values(no_strings, Form::tlsrpt, "policy_string") ==
          std::vector<std::string>{"version: STSv1"});
    CHECK(values(no_strings, Form::tlsrpt, "mx_host_pattern") == names);

    options.limit = no_strings.text.size() - 1;
    const Reply current = reply_to(evidence, options);
    CHECK(current.text ==
          "secure match=mx3.example.com:mx7.example.com servername=hostname policy_type=sts "
          "policy_domain=example.com mx_host_pattern=mx3.example.com "
          "mx_host_pattern=mx7.example.com { policy_string = version: STSv1 }");

    // Too short even for that; the legacy form with all names is longer, the one with two is not.
    options.limit = current.text.size() - 1;
    CHECK(reply_to(evidence, options).text ==
          "secure match=mx3.example.com:mx7.example.com servername=hostname");
    options.limit = 60;
    const Reply nothing = reply_to(evidence, options);
    CHECK(nothing.kind == Kind::temp);
    CHECK(nothing.defect.empty());
    CHECK(nothing.text == "the MTA-STS policy does not fit into a reply of 60 octets: example.com");
}

TEST_CASE("patterns are not dropped when no MX is known to match: all of them or the legacy form") {
    const auto names = many_names(40);
    const Evidence evidence = enforcing("example.com", names, {});
    ReplyOptions options = tlsrpt;
    options.limit = 1000;
    const Reply reply = reply_to(evidence, options);
    CHECK(values(reply, Form::legacy, "servername").size() == 1); // reads as the legacy form
    CHECK(std::ranges::count(values(reply, Form::legacy, "match").at(0), ':') == 39);
}

TEST_CASE("the longest policy there can be fits into a socketmap reply") {
    std::vector<std::string> names; // "mx: a.b\n" is about the shortest line: 8,190 of them
    names.reserve(8190);
    for (int i = 0; i < 8190; i++)
        names.push_back(fmt::format("{}.{}", static_cast<char>('a' + i % 26),
                                    static_cast<char>('a' + i / 26 % 26)));
    for (const auto& hosts : {std::vector<std::string>{}, {"a.a"}, {"mx.example.com"}}) {
        const Reply reply = reply_to(enforcing("example.com", names, hosts), tlsrpt);
        CHECK(reply.kind == Kind::ok);
        CHECK(reply.text.size() <= max_reply_text);
        CHECK(reply.defect.empty());
    }
}

TEST_CASE("a reply for tcp_table is measured as it will be coded") {
    const Evidence evidence = enforcing("example.com", {"mx1.example.com"}, {"mx1.example.com"});
    const Reply whole = reply_to(evidence, tlsrpt);
    const auto blanks = static_cast<std::size_t>(std::ranges::count(whole.text, ' '));
    ReplyOptions options{.form = Form::tlsrpt, .no_policy = {}, .coding = Coding::percent};
    options.limit = whole.text.size() + 2 * blanks;
    CHECK(reply_to(evidence, options) == whole);
    options.limit--;
    CHECK(reply_to(evidence, options).text.size() < whole.text.size());
}

TEST_CASE("a verdict that does not go with its evidence is a defect, not a policy") {
    Evidence evidence = enforcing("example.com", {"mx.example.com"}, {"mx.example.com"});
    const Verdict verdict = decide(evidence, {}, test::noon);
    REQUIRE(verdict.cls == Class::enforce);
    evidence.sts.policy.reset();
    const Reply reply = render(verdict, evidence, {});
    CHECK(reply.kind == Kind::temp);
    CHECK(reply.defect == "a verdict to enforce, and no policy beside it");
    CHECK(reply.text == "postseal could not write the TLS policy, its log says why");

    Verdict dane;
    dane.cls = Class::dane; // without a level
    CHECK_FALSE(render(dane, evidence, {}).defect.empty());
}

TEST_CASE("an mx that is not a host name is never written into a reply, and the others are") {
    Evidence evidence = enforcing("example.com", {"*.example.net"}, {"a.example.net"});
    evidence.sts.policy->mx_without_host = {"192.0.2.1"};
    evidence.sts.policy->lines.insert(evidence.sts.policy->lines.end() - 1, "mx:\t192.0.2.1");
    const Reply legacy = reply_to(evidence, {});
    CHECK(legacy.text == "secure match=.example.net servername=hostname");
    const Reply full = reply_to(evidence, tlsrpt);
    CHECK(values(full, Form::tlsrpt, "mx_host_pattern") ==
          std::vector<std::string>{"*.example.net"});
    CHECK_FALSE(full.text.contains("192.0.2.1"));
    CHECK(full.text.contains("{ policy_string = mx: *.example.net }"));
    // Told of in the reasons, which explain and the log show.
    const Verdict verdict = decide(evidence, {}, test::noon);
    CHECK(has(verdict.reasons,
              "mx 192.0.2.1 of the policy is not a host name: it matches no MX host"));
}

TEST_CASE("a policy of which no mx is a host name defers the mail, it is not dropped") {
    Evidence evidence = enforcing("example.com", {"mx.example.com"}, {"mx.example.com"});
    evidence.sts.policy->mx.clear();
    evidence.sts.policy->mx_without_host = {"192.0.2.1"};
    CHECK(decide(evidence, {}, test::noon).cls == Class::enforce);
    for (const Match match : {Match::patterns, Match::mx})
        for (const Form form : {Form::legacy, Form::tlsrpt}) {
            const Reply reply = reply_to(evidence, {.form = form, .match = match, .no_policy = {}});
            CHECK(reply.kind == Kind::temp);
            CHECK(reply.defect.empty());
        }
}

TEST_CASE("of MX hosts that are not looked up, none is said not to fit") {
    Evidence evidence = enforcing("example.com", {"mx.example.com"}, {"a.example.net"});
    const ReplyOptions options{.form = Form::legacy, .match = Match::mx, .no_policy = {}};
    const Reply all = reply_to(evidence, options);
    CHECK(all.kind == Kind::temp);
    CHECK(all.text.contains("fits none of its 1 MX host (a.example.net)"));
    evidence.mx.state = MxState::insecure; // else DANE is unknown, and no policy may override it
    evidence.mx.beyond = 3;
    CHECK(reply_to(evidence, options)
              .text.contains("fits none of the first 1 of its 4 MX hosts (a.example.net, ...)"));
}

TEST_CASE("what was passed over in a record, an answer and a policy is told of") {
    Evidence evidence = enforcing("example.com", {"xn--mx-via.example.com"}, {"mx.example.com"});
    evidence.sts.policy->mx_converted = {"m\xc3\xa4x.example.com"};
    evidence.sts.record_reason = "white space before the first \";\"";
    evidence.sts.fetch_note = "Content-Type is sent twice";
    const auto reasons = decide(evidence, {}, test::noon).reasons;
    CHECK(has(reasons, "the _mta-sts TXT record has white space before the first \";\""));
    CHECK(has(reasons, "the policy host: Content-Type is sent twice"));
    CHECK(has(reasons, "mx m??x.example.com of the policy is not in A-labels, as RFC 8461 "
                       "section 3.2 wants it: read as xn--mx-via.example.com"));
}

TEST_CASE("names of forms and matches") {
    CHECK(form_names.find("legacy") == Form::legacy);
    CHECK(form_names.find("tlsrpt") == Form::tlsrpt);
    CHECK(form_names.find("requiretls") == Form::requiretls);
    CHECK_FALSE(form_names.find("TLSRPT").has_value());
    CHECK(match_words.find("patterns") == Match::patterns);
    CHECK(match_words.find("mx") == Match::mx);
    CHECK_FALSE(match_words.find("").has_value());
}
