// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/decide.h"

#include "core/verdict/make_evidence.h"
#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace postseal;
using namespace postseal::verdict;

namespace {

using mtasts::Mode;

struct Case {
    Evidence evidence = test::evidence_for("example.com");
    Options options;
};

void set_mx(Evidence& evidence, std::string_view word, std::string_view letters) {
    static const std::map<std::string_view, MxState> states{
        {"secure", MxState::secure},
        {"insecure", MxState::insecure},
        {"bogus", MxState::bogus},
        {"failed", MxState::failed},
        {"null", MxState::null_mx},
        {"nxdomain", MxState::nxdomain},
        {"literal", MxState::secure},
        {"implicit", MxState::secure},
        {"implicit-insecure", MxState::insecure},
    };
    if (word == "literal") evidence = test::evidence_for("[example.com]");
    evidence.mx = test::mx(states.at(word), letters);
    evidence.mx.implicit = word.starts_with("implicit");
}

void set_sts(Sts& sts, std::string_view word) {
    const auto enforce = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    if (word.starts_with("enforce") || word == "expired") sts = enforce;
    if (word == "testing") sts = test::in_force(test::policy(Mode::testing, {"*.example.com"}));
    if (word == "none") sts = test::in_force(test::policy(Mode::none, {}));
    if (word == "expired") sts.expires_at = test::noon;

    if (word == "absent" || word == "enforce-no-record") sts.record = RecordState::absent;
    if (word == "record-invalid") sts.record = RecordState::invalid;
    if (word.ends_with("record-failed")) sts.record = RecordState::failed;
    if (word.starts_with("fetch-")) sts.record = RecordState::found;
    if (word.ends_with("fetch-failed")) sts.fetch = FetchState::failed;
    if (word == "fetch-invalid") sts.fetch = FetchState::invalid;
    if (word == "waiting-after-end") sts = enforce;
    if (word == "waiting-after-end") sts.expires_at = test::noon;
    if (word == "waiting-after-end") sts.fetch = FetchState::waiting;
    if (word == "waiting") sts = {.record = RecordState::found, .fetch = FetchState::waiting};
    if (word.starts_with("unread")) sts.unread = "cannot read postseal.db: disk I/O error";
    if (word == "unread-fetch-failed") sts.record = RecordState::found;
    if (word == "unread-but-fetched") {
        sts = enforce;
        sts.unread = "cannot read postseal.db: disk I/O error";
    }
}

void set_option(Case& c, std::string_view word) {
    const auto value = word.substr(word.find('=') + 1);
    if (word == "override")
        c.evidence.override_ = Override{.policy = "verify match=hostname"};
    else if (word == "override=ignore")
        c.evidence.override_ = Override{.kind = Override::Kind::ignore, .policy = {}};
    else if (word == "override=sts-only")
        c.evidence.override_ = Override{.kind = Override::Kind::sts_only, .policy = {}};
    else if (word == "override=sealed")
        c.evidence.override_ = Override{.kind = Override::Kind::sealed, .policy = {}};
    else if (word == "partial")
        c.evidence.partial = true;
    else if (word == "dnssec=off")
        c.options.postfix_dnssec = false;
    else if (word.starts_with("testing="))
        c.options.testing = test::need(testing_names.find(value));
    else if (word.starts_with("without_store="))
        c.options.without_store = test::need(if_unknown_names.find(value));
    else if (word.starts_with("untried_policy="))
        c.options.untried_policy = test::need(if_unknown_names.find(value));
    else if (word.starts_with("mixed="))
        c.options.mixed = test::need(mixed_names.find(value));
    else if (word.starts_with("default="))
        c.options.default_level = test::need(default_level_names.find(value));
    else if (word != "-")
        throw std::runtime_error(fmt::format("no option {}", word));
}

Case read_case(const test::Row& row) {
    Case out;
    set_mx(out.evidence, row.fields[0], row.fields[1]);
    if (row.fields[2] == "nodane") out.evidence.remembered = Remembered::no_dane;
    if (row.fields[2] == "dane") out.evidence.remembered = Remembered::dane;
    set_sts(out.evidence.sts, row.fields[3]);
    std::istringstream words(row.fields[4]);
    for (std::string word; words >> word;)
        set_option(out, word);
    return out;
}

constexpr std::size_t columns = 9;

bool printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string all_reasons(const Verdict& verdict) {
    std::string out;
    for (const auto& reason : verdict.reasons)
        out += reason + "; ";
    return out;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace

TEST_CASE("the decision table says for each evidence what it says here") {
    for (const auto& row : test::read_table("verdict/decide.table", columns)) {
        CAPTURE(row.line);
        const Case c = read_case(row);
        const Verdict verdict = decide(c.evidence, c.options, test::noon);
        CAPTURE(all_reasons(verdict));
        CHECK(std::to_string(verdict.row) == row.fields[5]);
        CHECK(to_string(verdict.cls) == row.fields[6]);
        CHECK(to_string(verdict.level) == row.fields[7]);

        // What decided, the MX, MTA-STS; of an override only what was looked up for it.
        if (verdict.row == 1)
            REQUIRE(verdict.reasons.size() >= 2);
        else
            REQUIRE(verdict.reasons.size() >= 3);
        for (const auto& reason : verdict.reasons)
            CHECK((!reason.empty() && reason.size() <= 400 && printable_ascii(reason)));
        CHECK(verdict.temp_reason.empty() == (verdict.cls != Class::tempfail));
        CHECK(verdict.temp_reason.size() <= 200);
        CHECK(verdict.override_text.empty() == (verdict.cls != Class::override_));
    }
}

TEST_CASE("a verdict in brief: what is promised, and nothing of why") {
    CHECK(brief({.cls = Class::dane, .level = Level::dane_only}) == "dane-only");
    CHECK(brief({.cls = Class::enforce, .level = Level::secure, .row = 11}) == "enforce");
    CHECK(brief({.cls = Class::may, .row = 2}) == "may");
    CHECK(brief({.cls = Class::tempfail, .temp_reason = "MX is bogus"}) == "tempfail");
    CHECK(brief({.cls = Class::override_, .override_text = "verify match=x"}) ==
          "override verify match=x");
}

TEST_CASE("the table of cases leaves no row, column, option or state out") {
    std::set<std::pair<int, bool>> cells;
    std::set<std::string> words;
    std::set<std::string> letters;
    std::set<std::string> levels_of_row_10;
    const auto rows = test::read_table("verdict/decide.table", columns);
    for (const auto& row : rows) {
        const Case c = read_case(row);
        cells.emplace(std::stoi(row.fields[5]), c.evidence.sts.enforced(test::noon));
        for (const char letter : row.fields[1])
            letters.emplace(1, letter);
        for (const std::size_t column : {0U, 2U, 3U})
            words.insert(row.fields[column]);
        std::istringstream options(row.fields[4]);
        for (std::string word; options >> word;)
            words.insert(word);
        if (row.fields[5] == "10" && c.evidence.sts.enforced(test::noon))
            levels_of_row_10.insert(row.fields[7]);
    }
    CHECK(rows.size() >= 150);
    for (int row = 1; row <= 13; row++)
        for (const bool enforced : {true, false}) {
            CAPTURE(row);
            CAPTURE(enforced);
            CHECK(cells.contains({row, enforced}));
        }
    for (const auto* word : {"secure",
                             "insecure",
                             "bogus",
                             "failed",
                             "null",
                             "nxdomain",
                             "literal",
                             "implicit",
                             "nodane",
                             "dane",
                             "enforce",
                             "testing",
                             "none",
                             "expired",
                             "absent",
                             "record-invalid",
                             "record-failed",
                             "fetch-failed",
                             "fetch-invalid",
                             "pending",
                             "enforce-no-record",
                             "override",
                             "partial",
                             "dnssec=off",
                             "mixed=mta-sts",
                             "mixed=dane-only",
                             "mixed=dane",
                             "default=none",
                             "default=may",
                             "default=dane",
                             "default=encrypt",
                             "default=dane-only",
                             "default=fingerprint",
                             "default=verify",
                             "default=secure"}) {
        CAPTURE(word);
        CHECK(words.contains(word));
    }
    for (const auto* letter : {"U", "X", "N", "F", "A", "+", "@"}) {
        CAPTURE(letter);
        CHECK(letters.contains(letter));
    }
    CHECK(levels_of_row_10 == std::set<std::string>{"secure", "dane-only", "dane", "-"});
}

TEST_CASE("reasons say what decided, then what was found, host by host") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, "UXN@1");
    evidence.mx.hosts[0].tlsa.push_back(evidence.mx.hosts[0].tlsa[0]);
    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    const Verdict verdict = decide(evidence, {}, test::noon);
    CHECK(verdict.reasons ==
          std::vector<std::string>{
              "some hosts have TLSA records and some have none: the MTA-STS policy is enforced",
              "option mixed = mta-sts",
              "MX example.com is secure",
              "mx1.example.com has 2 usable TLSA records at _25._tcp.mx1.example.com",
              "mx2.example.com has TLSA records at _25._tcp.mx2.example.com, none usable: usage 1",
              "mx3.example.com securely has no TLSA records",
              "1 MX record with an address in the place of a name: no TLSA",
              "MTA-STS policy (enforce, id 2026, until 2026-12-01T00:00:00Z) is in force",
          });
}

TEST_CASE(
    "hosts that are too many to be looked up are told of, and blamed where mail is deferred") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, "N+3");
    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    const Verdict verdict = decide(evidence, {}, test::noon);
    CHECK(verdict.row == 8);
    CHECK(contains(all_reasons(verdict), "3 hosts more, not looked up: the limit is 128"));
    CHECK(verdict.temp_reason ==
          "TLSA of 3 hosts of example.com not looked up: it has more than 128 MX hosts");
}

TEST_CASE("reasons tell usable records from the unusable beside them") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::secure, "U");
    auto& tlsa = evidence.mx.hosts[0].tlsa;
    tlsa.push_back({.usage = 1, .selector = 0, .matching_type = 1, .data = std::string(32, 'd')});
    CHECK(decide(evidence, {}, test::noon).reasons[2] ==
          "mx1.example.com has 1 usable TLSA record of 2 TLSA records at "
          "_25._tcp.mx1.example.com");
    tlsa.clear(); // as from a store that keeps no RDATA
    CHECK(decide(evidence, {}, test::noon).reasons[2] ==
          "mx1.example.com has usable TLSA records at _25._tcp.mx1.example.com");
}

TEST_CASE("reasons say how MTA-STS stands") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::insecure, "N");
    evidence.mx.hosts[0].address_secure = false;
    const auto last = [&] { return decide(evidence, {}, test::noon).reasons.back(); };
    Sts& sts = evidence.sts;

    CHECK(last() == "no enforce policy: _mta-sts TXT not answered in time");
    sts.record = RecordState::absent;
    CHECK(last() == "no enforce policy: no _mta-sts TXT record");
    evidence.sts.record_reason = "\"V=STSv1; id=1;\" does not begin \"v=STSv1;\"";
    CHECK(last() == "no enforce policy: the TXT at _mta-sts is not an MTA-STS record: \"V=STSv1; "
                    "id=1;\" does not begin \"v=STSv1;\"");
    evidence.sts.record_reason.clear();
    sts.record = RecordState::invalid;
    sts.record_reason = "2 records";
    CHECK(last() == "no enforce policy: the _mta-sts TXT record is invalid: 2 records");
    sts.record = RecordState::failed;
    sts.record_reason = "SERVFAIL";
    CHECK(last() == "no enforce policy: the _mta-sts TXT lookup failed: SERVFAIL");
    sts.record = RecordState::found;
    sts.record_reason.clear();
    sts.fetch = FetchState::pending;
    CHECK(last() == "no enforce policy: the fetch has not ended yet");
    sts.fetch = FetchState::failed;
    sts.fetch_reason = "status 404";
    CHECK(last() == "no enforce policy: the fetch failed: status 404");
    sts.fetch = FetchState::invalid;
    sts.fetch_reason = "line 2: bad mode";
    CHECK(last() == "no enforce policy: the file fetched is not a valid policy: line 2: bad mode");
    sts = test::in_force(test::policy(Mode::testing, {"*.example.com"}));
    CHECK(last() == "no enforce policy: mode testing");
    sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    sts.fetch = FetchState::failed;
    sts.fetch_reason = "timeout";
    CHECK(last() == "refreshing the policy failed: timeout");
    sts.fetch = FetchState::not_needed;
    sts.record = RecordState::absent;
    CHECK(last() == "the _mta-sts TXT record is gone, which does not end the policy");
    sts.record = RecordState::failed;
    CHECK(last() == "the _mta-sts TXT record is unavailable, which does not end the policy");
    sts.expires_at = test::noon - std::chrono::seconds(1);
    CHECK(last() == "no enforce policy: the last one (mode enforce, id 2026) ended "
                    "2026-06-01T11:59:59Z: timeout");
    evidence.partial = true;
    CHECK(last() == "decided before every lookup had ended, from what was known by then");
}

TEST_CASE("reasons name the MX RRset's state and the host's") {
    Evidence evidence = test::evidence_for("example.com");
    const auto reasons = [&] { return all_reasons(decide(evidence, {}, test::noon)); };

    evidence.mx = test::mx(MxState::insecure, "NFA");
    evidence.mx.hosts[0].address_secure = false;
    evidence.mx.canonical_name = "example.net";
    CHECK(contains(reasons(), "MX example.com (a CNAME to example.net) is insecure; "));
    CHECK(contains(reasons(), "mx1.example.com has no DANE, its addresses are insecure; "));
    CHECK(contains(reasons(), "; TLSA _25._tcp.mx2.example.com: SERVFAIL; "));
    CHECK(contains(reasons(), "mx3.example.com has no address and is left out; "));

    evidence.mx.implicit = true;
    evidence.mx.canonical_name.clear();
    CHECK(contains(reasons(), "example.com has no MX (insecure answer) and is its own host; "));
    evidence.mx = test::mx(MxState::null_mx, "-");
    CHECK(contains(reasons(), "example.com has a null MX: it takes no mail; "));
    evidence.mx = test::mx(MxState::nxdomain, "-");
    CHECK(contains(reasons(), "example.com does not exist; "));

    evidence = test::evidence_for("[mx.example.com]:587");
    evidence.mx = test::mx(MxState::secure, "N");
    CHECK(contains(reasons(), "mx.example.com is named in brackets: no MX lookup; "));
}

TEST_CASE("a tempfail names host, record type and cause") {
    Evidence evidence = test::evidence_for("example.com");
    const auto reason = [&] { return decide(evidence, {}, test::noon).temp_reason; };

    evidence.mx = test::mx(MxState::bogus, "-");
    CHECK(reason() == "MX example.com is bogus: signature of example.com expired");
    // The evidence holds the cause alone: nothing of it is taken off.
    evidence.mx.reason = "MX lookup of example.com failed: says a server";
    CHECK(reason() == "MX example.com is bogus: MX lookup of example.com failed: says a server");
    evidence.mx.reason.clear();
    CHECK(reason() == "MX example.com is bogus: DNSSEC validation failed");

    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    evidence.mx = test::mx(MxState::failed, "-");
    CHECK(reason() ==
          "MX example.com: lookup failed: SERVFAIL from all servers; DANE may be in use");
    evidence.remembered = Remembered::dane;
    CHECK(reason() == "MX example.com: lookup failed: SERVFAIL from all servers; DANE may be in "
                      "use, as it was");

    evidence.mx = test::mx(MxState::secure, "NFF");
    CHECK(reason() == "TLSA _25._tcp.mx2.example.com: SERVFAIL");
    evidence.mx.hosts[1].reason = "timeout";
    CHECK(reason() == "TLSA lookup of mx2.example.com failed: timeout");
    evidence.mx.hosts[1].address_secure = false;
    CHECK(reason() == "address lookup of mx2.example.com failed: timeout");
    evidence.mx.hosts[1].reason.clear();
    CHECK(reason() == "address lookup of mx2.example.com failed");
}

TEST_CASE("a tempfail stays within 200 printable characters and still says all three") {
    const std::string label(60, 'a');
    const std::string name = fmt::format("mx.{0}.{0}.{0}.{0}", label);
    Evidence evidence = test::evidence_for(name);
    evidence.mx = test::mx(MxState::secure, "F");
    evidence.mx.hosts[0].name = test::domain(name);
    evidence.mx.hosts[0].reason =
        fmt::format("SERVFAIL\nfrom {}, \xc3\xa9 {}", "192.0.2.1", std::string(500, 'x'));
    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    for (const MxState state : {MxState::secure, MxState::failed, MxState::bogus}) {
        evidence.mx.state = state;
        evidence.mx.reason = evidence.mx.hosts[0].reason;
        const Verdict verdict = decide(evidence, {}, test::noon);
        CAPTURE(verdict.temp_reason);
        REQUIRE(verdict.cls == Class::tempfail);
        CHECK(verdict.temp_reason.size() <= 200);
        CHECK(printable_ascii(verdict.temp_reason));
        CHECK(contains(verdict.temp_reason, state == MxState::secure ? "TLSA" : "MX"));
        CHECK(contains(verdict.temp_reason, "mx.aaaa"));
        CHECK(contains(verdict.temp_reason, "SERVFAIL"));
    }
}

TEST_CASE("expiry is judged by the time given") {
    Evidence evidence = test::evidence_for("example.com");
    evidence.mx = test::mx(MxState::insecure, "N");
    evidence.sts = test::in_force(test::policy(Mode::enforce, {"*.example.com"}));
    const WallTime end = evidence.sts.expires_at;
    CHECK(decide(evidence, {}, end - milliseconds(1)).cls == Class::enforce);
    CHECK(decide(evidence, {}, end).cls == Class::may);
}

TEST_CASE("names of levels, classes and options") {
    for (const auto* text :
         {"none", "may", "dane", "encrypt", "dane-only", "fingerprint", "verify", "secure"}) {
        CHECK(to_string(test::need(default_level_names.find(text))) == text);
    }
    for (const auto* text : {"mta-sts", "dane-only", "dane"}) {
        CHECK(to_string(test::need(mixed_names.find(text))) == text);
    }
    for (const auto* text : {"", "May", "dane_only", "halfdane", "mta_sts"}) {
        CAPTURE(text);
        CHECK_FALSE(default_level_names.find(text).has_value());
        CHECK_FALSE(mixed_names.find(text).has_value());
    }
    CHECK(to_string(Class::override_) == "override");
    CHECK(to_string(Level::dane_only) == "dane-only");
}
