// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/decide.h"

#include "postseal/base/names.h"
#include "reasons.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

namespace postseal::verdict {
namespace {

// What the rows look at. Hosts without an address are left out; what was not looked up is
// not N (RFC 7672 section 2.1: only a secure answer shows that there is no TLSA).
struct Summary {
    const Override* said = nullptr; // by the operator
    MxState mx = MxState::failed;
    Remembered remembered = Remembered::nothing;
    std::size_t u = 0;
    std::size_t x = 0;
    std::size_t n = 0;
    std::size_t f = 0;

    [[nodiscard]] std::size_t hosts() const { return u + x + n + f; }
    [[nodiscard]] bool all(std::size_t count) const { return hosts() > 0 && count == hosts(); }
    [[nodiscard]] bool secure() const { return mx == MxState::secure; }
    [[nodiscard]] bool insecure() const { return mx == MxState::insecure; }
    [[nodiscard]] bool failed() const { return mx == MxState::failed; }
};

Summary survey(const Evidence& evidence) {
    const auto count = [&](HostState state) {
        return static_cast<std::size_t>(std::ranges::count(evidence.mx.hosts, state, &Host::state));
    };
    return {.said = evidence.override_ ? &*evidence.override_ : nullptr,
            .mx = evidence.mx.state,
            .remembered = evidence.remembered,
            .u = count(HostState::usable),
            .x = count(HostState::unusable),
            .n = count(HostState::none) + evidence.mx.addresses,
            .f = count(HostState::failed) + evidence.mx.beyond};
}

// unknown_dane: tempfail, because there may be DANE that a policy must not override.
// unsealed: tempfail, because override sealed asks for what the domain does not promise.
enum class Decision {
    as_configured,
    may,
    dane,
    dane_only,
    secure,
    by_mixed,
    unknown_dane,
    unsealed,
    sealed_nowhere,
    tempfail
};

struct Row {
    int number;
    bool (*applies)(const Summary&);
    Decision with_policy;
    Decision without;
    std::string_view because;
};

bool nowhere_to_deliver(const Summary& f) {
    return f.mx == MxState::null_mx || f.mx == MxState::nxdomain ||
           ((f.secure() || f.insecure()) && f.hosts() == 0);
}

// The first row that applies decides.
using enum Decision;
constexpr std::array table{
    Row{1, [](const Summary& f) { return f.said != nullptr; }, //
        as_configured, as_configured, "the operator's override"},
    Row{2, nowhere_to_deliver, //
        secure, may, "no host to deliver to is found"},
    Row{3, [](const Summary& f) { return f.mx == MxState::bogus; }, //
        tempfail, tempfail, "the MX RRset is bogus, somebody may be forging it"},
    Row{4, [](const Summary& f) { return f.failed() && f.remembered == Remembered::no_dane; }, //
        secure, may, "the MX lookup fails; the last lookup that succeeded found securely no DANE"},
    Row{5, [](const Summary& f) { return f.failed(); }, //
        unknown_dane, dane, "the MX lookup fails, and there may be DANE"},
    Row{6, [](const Summary& f) { return f.secure() && f.all(f.u); }, //
        dane_only, dane_only, "the MX RRset is secure and every host has usable TLSA records"},
    Row{7, [](const Summary& f) { return f.secure() && f.u > 0 && f.f > 0 && f.all(f.u + f.f); }, //
        dane_only, dane, "every host that could be looked up has usable TLSA records"},
    Row{8, [](const Summary& f) { return f.secure() && f.f > 0; }, //
        unknown_dane, dane, "a host that may have DANE could not be looked up"},
    Row{9, [](const Summary& f) { return f.secure() && f.x > 0 && f.all(f.u + f.x); }, //
        secure, dane, "every host has TLSA records, but not every host has usable ones"},
    Row{10, [](const Summary& f) { return f.secure() && f.n > 0 && f.u + f.x > 0; }, //
        by_mixed, dane, "some hosts have TLSA records and some have none"},
    Row{11, [](const Summary& f) { return f.secure() && f.all(f.n); }, //
        secure, may, "no host has TLSA records"},
    Row{12, [](const Summary& f) { return f.insecure() && f.u + f.x + f.f > 0; }, //
        secure, dane, "the MX RRset is insecure, though a host has DANE or could not be looked up"},
    Row{13, [](const Summary& f) { return f.insecure() && f.all(f.n); }, //
        secure, may, "the MX RRset is insecure and no host has TLSA records"},
};

Decision chosen(Mixed mixed) {
    switch (mixed) {
    case Mixed::mta_sts:
        return secure;
    case Mixed::dane_only:
        return dane_only;
    case Mixed::dane:
        return dane;
    }
    return secure;
}

Decision configured(const Override& said, bool enforced, std::vector<std::string>& why) {
    switch (said.kind) {
    case Override::Kind::policy:
        // Nothing is looked up for it.
        why.push_back(printable("override: " + said.policy, 400));
        return as_configured;
    case Override::Kind::ignore:
        why.emplace_back("override: ignore, so what the domain promises does not count");
        return may;
    case Override::Kind::sts_only:
        why.emplace_back("override: sts-only, so its DANE does not count");
        return enforced ? secure : may;
    case Override::Kind::sealed: // sealed() has it
        break;
    }
    return as_configured;
}

// E of the table; a testing policy that is taken for it is a reason.
bool counts_as_enforced(const Sts& sts, const Options& options, WallTime now,
                        std::vector<std::string>& why) {
    if (sts.enforced(now)) return true;
    if (options.testing == Testing::report || !sts.in_force(mtasts::Mode::testing, now))
        return false;
    why.emplace_back("option testing: the policy of mode testing counts as enforce");
    return true;
}

// What the options make of a row's word; each change is a reason.
Decision adjusted(Decision decision, bool enforced, const Options& options,
                  std::vector<std::string>& why) {
    if (decision == by_mixed) {
        decision = chosen(options.mixed);
        why.push_back(fmt::format("option mixed = {}", to_string(options.mixed)));
    }
    const bool for_dane = decision == dane || decision == dane_only || decision == unknown_dane;
    if (!options.postfix_dnssec && for_dane) {
        decision = enforced ? secure : may;
        why.emplace_back("option postfix_dnssec is off: Postfix cannot do DANE");
    }
    if (options.default_level >= DefaultLevel::encrypt && decision == dane) {
        decision = may;
        why.push_back(fmt::format("opportunistic DANE could end below main.cf's level {}, "
                                  "so that level applies",
                                  to_string(options.default_level)));
    }
    if (decision == unknown_dane) decision = tempfail;
    return decision;
}

// Whether the options have mail wait where an unknown policy would decide.
bool must_be_known(const Sts& sts, const Options& options, WallTime now) {
    if (!sts.unknown(now)) return false;
    const bool unread = !sts.unread.empty();
    return (unread ? options.without_store : options.untried_policy) == IfUnknown::tempfail;
}

std::string_view conclusion(Decision decision) {
    switch (decision) {
    case as_configured:
        return "as configured";
    case may:
        return "no policy";
    case dane:
        return "dane";
    case dane_only:
        return "dane-only";
    case secure:
        return "the MTA-STS policy is enforced";
    case by_mixed:
        return "by option mixed";
    case unknown_dane:
    case tempfail:
        return "mail is deferred";
    case unsealed:
        return "nothing is promised, mail is deferred";
    case sealed_nowhere:
        return "should Postfix find one after all, it needs DANE";
    }
    return "?";
}

Blame blame(const Row& row, const Evidence& evidence) {
    return row.number == 8 ? host_blame(evidence) : mx_blame(evidence);
}

void defer(Verdict& verdict, Blame blame) {
    verdict.cls = Class::tempfail;
    verdict.cause = blame.cause;
    verdict.temp_reason = std::move(blame.reason);
}

Verdict verdict_of(Decision decision, const Row& row, const Evidence& evidence) {
    Verdict verdict;
    verdict.row = row.number;
    switch (decision) {
    case as_configured:
        verdict.cls = Class::override_;
        if (evidence.override_) verdict.override_text = evidence.override_->policy;
        break;
    case may:
        verdict.cls = Class::may;
        break;
    case dane:
        verdict.cls = Class::dane;
        verdict.level = Level::dane;
        break;
    case dane_only:
        verdict.cls = Class::dane;
        verdict.level = Level::dane_only;
        break;
    case secure:
        verdict.cls = Class::enforce;
        verdict.level = Level::secure;
        break;
    case sealed_nowhere:
        verdict.cls = Class::override_;
        verdict.override_text = to_string(Level::dane_only);
        break;
    case unsealed:
        defer(verdict, {Cause::nothing_promised,
                        printable(fmt::format(
                            "override sealed: {} has neither DANE nor an enforced MTA-STS policy",
                            printable(evidence.nexthop.domain.name(), 100)))});
        break;
    case by_mixed:
    case unknown_dane:
    case tempfail:
        defer(verdict, blame(row, evidence));
        break;
    }
    return verdict;
}

// Of override sealed: as the table decides without it, but nothing that could end unauthenticated.
// Opportunistic DANE becomes dane-only; where nothing is promised the mail is deferred. Where there
// is not a host Postfix bounces it before it asks, so nothing is deferred by us.
Decision sealed(const Row& row, bool enforced, const Evidence& evidence, const Options& options,
                std::vector<std::string>& why) {
    Options own = options;
    own.default_level = DefaultLevel::may; // what ends at main.cf's level is deferred here
    const Decision decision =
        adjusted(enforced ? row.with_policy : row.without, enforced, own, why);
    if (decision == dane) return dane_only;
    const bool nowhere = row.applies == &nowhere_to_deliver && !evidence.nexthop.is_address;
    if (decision == may) return nowhere ? sealed_nowhere : unsealed;
    return decision;
}

const Row& row_of(const Summary& summary) {
    // Every value of Summary has its row, which the tests show; were one missing, mail would wait.
    static constexpr Row none{0, nullptr, tempfail, tempfail, "no row of the table applies"};
    const auto* found =
        std::ranges::find_if(table, [&](const Row& r) { return r.applies(summary); });
    return found == table.end() ? none : *found;
}

struct Judgement {
    const Row* row = nullptr;
    Decision decision = tempfail;
    std::vector<std::string> why; // what options and overrides did
    bool unknown = false;         // a policy that would decide is unknown(): mail is deferred
    bool sealed = false;          // by that override; the row is the one without it
};

Judgement judgement(const Evidence& evidence, const Options& options, WallTime now) {
    Summary summary = survey(evidence);
    Judgement out;
    out.sealed = summary.said != nullptr && summary.said->kind == Override::Kind::sealed;
    if (out.sealed) summary.said = nullptr;
    out.row = &row_of(summary);
    const bool enforced = counts_as_enforced(evidence.sts, options, now, out.why);
    const auto said = [&](bool with_policy, std::vector<std::string>& reasons) {
        if (out.sealed) return sealed(*out.row, with_policy, evidence, options, reasons);
        if (summary.said != nullptr) return configured(*summary.said, with_policy, reasons);
        return adjusted(with_policy ? out.row->with_policy : out.row->without, with_policy, options,
                        reasons);
    };
    out.decision = said(enforced, out.why);
    if (!enforced && must_be_known(evidence.sts, options, now)) {
        std::vector<std::string> unused;
        out.unknown = said(true, unused) != out.decision;
    }
    if (out.unknown) out.decision = tempfail;
    return out;
}

Verdict verdict_of(const Judgement& judged, const Evidence& evidence) {
    Verdict verdict = verdict_of(judged.decision, *judged.row, evidence);
    if (judged.unknown) defer(verdict, sts_blame(evidence));
    if (judged.sealed) verdict.row = table.front().number;
    return verdict;
}

} // namespace

Verdict judge(const Evidence& evidence, const Options& options, WallTime now) {
    return verdict_of(judgement(evidence, options, now), evidence);
}

Verdict decide(const Evidence& evidence, const Options& options, WallTime now) {
    Judgement judged = judgement(evidence, options, now);
    Verdict verdict = verdict_of(judged, evidence);
    const std::string_view because =
        evidence.nexthop.is_address ? "an address can promise nothing" : judged.row->because;
    verdict.reasons.push_back(
        judged.unknown
            ? fmt::format("it is not known whether an MTA-STS policy is in force: {}",
                          conclusion(judged.decision))
            : fmt::format("{}: {}",
                          judged.decision == as_configured ? judged.row->because : because,
                          conclusion(judged.decision)));
    if (judged.sealed)
        verdict.reasons.insert(verdict.reasons.begin(), fmt::format("{}: sealed, so what cannot be "
                                                                    "authenticated is deferred",
                                                                    table.front().because));
    std::ranges::move(judged.why, std::back_inserter(verdict.reasons));
    const bool looked_up = !evidence.override_ || evidence.override_->needs_lookup();
    if (looked_up && !evidence.nexthop.is_address)
        std::ranges::move(describe(evidence, now), std::back_inserter(verdict.reasons));
    return verdict;
}

constexpr auto cause_names = names_for<Cause>({
    {Cause::none, "none"},
    {Cause::mx_bogus, "mx-bogus"},
    {Cause::mx_failed, "mx-failed"},
    {Cause::host_bogus, "host-bogus"},
    {Cause::host_failed, "host-failed"},
    {Cause::too_many_hosts, "too-many-hosts"},
    {Cause::nothing_promised, "nothing-promised"},
    {Cause::policy_unread, "policy-unread"},
    {Cause::policy_untried, "policy-untried"},
    {Cause::busy, "busy"},
    {Cause::fits_no_host, "fits-no-host"},
    {Cause::no_usable_mx, "no-usable-mx"},
    {Cause::reply_too_long, "reply-too-long"},
    {Cause::defect, "defect"},
});
std::string_view to_string(Cause cause) { return cause_names[cause]; }

std::string brief(const Verdict& verdict) {
    if (verdict.cls == Class::dane) return std::string(to_string(verdict.level));
    std::string text(to_string(verdict.cls));
    if (verdict.cls == Class::override_) text += " " + verdict.override_text;
    return text;
}

constexpr auto level_names = names_for<Level>({
    {Level::none_said, "-"},
    {Level::dane, "dane"},
    {Level::dane_only, "dane-only"},
    {Level::secure, "secure"},
});
bool is_weaker(DefaultLevel level, DefaultLevel than) {
    const auto floor = [](DefaultLevel l) { return std::min(l, DefaultLevel::dane_only); };
    return floor(level) < floor(than);
}

std::string_view to_string(DefaultLevel level) { return default_level_names[level]; }

std::string_view to_string(Mixed mixed) { return mixed_names[mixed]; }

std::string_view to_string(Testing testing) { return testing_names[testing]; }

std::string_view to_string(IfUnknown what) { return if_unknown_names[what]; }

constexpr auto class_names = names_for<Class>({
    {Class::dane, "dane"},
    {Class::enforce, "enforce"},
    {Class::may, "may"},
    {Class::override_, "override"},
    {Class::tempfail, "tempfail"},
});
std::string_view to_string(Class cls) { return class_names[cls]; }

std::string_view to_string(Level level) { return level_names[level]; }

} // namespace postseal::verdict
