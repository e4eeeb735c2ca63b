// SPDX-License-Identifier: BSD-3-Clause
//
// Evidence made of any octets, decided and written: whatever servers and DNS say, Postfix gets one
// reply it can read, that is no weaker than the policy.
#include "postseal/verdict/postfix_policy.h"
#include "postseal/verdict/reply.h"

#include "fuzz/check.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace postseal;
using namespace postseal::verdict;
using fuzz::check;
using Input = FuzzedDataProvider;

// Often one of a few, so that hosts and patterns meet.
Domain some_domain(Input& in) {
    const char* const usual = in.PickValueInArray(
        {"example.com", "mx1.example.com", "mx2.example.com", "hostname", "dot-nexthop", ""});
    const std::string name = *usual == '\0' ? in.ConsumeRandomLengthString(64) : usual;
    return Domain::parse(name).value_or(Domain::parse("mx3.example.com").value());
}

Host some_host(Input& in) {
    return {.name = some_domain(in),
            .preference = in.ConsumeIntegral<std::uint16_t>(),
            .state = static_cast<HostState>(in.ConsumeIntegralInRange(0, 4)),
            .address_secure = in.ConsumeBool(),
            .tlsa_name = in.ConsumeRandomLengthString(64),
            .tlsa = {{.usage = 3,
                      .selector = 1,
                      .matching_type = 1,
                      .data = in.ConsumeRandomLengthString(33)}},
            .reason = in.ConsumeRandomLengthString(300)};
}

mtasts::Policy some_policy(Input& in) {
    mtasts::Policy out;
    out.mode = static_cast<mtasts::Mode>(in.ConsumeIntegralInRange(0, 2));
    out.max_age = seconds(in.ConsumeIntegralInRange(0, 31'557'600));
    for (int left = in.ConsumeIntegralInRange(0, 5); left > 0; left--)
        out.lines.push_back(in.ConsumeRandomLengthString(80));
    out.mx.push_back({.wildcard = in.ConsumeBool(), .domain = some_domain(in)});
    for (int left = in.ConsumeIntegralInRange(0, 5); left > 0; left--)
        out.mx.push_back({.wildcard = in.ConsumeBool(), .domain = some_domain(in)});
    return out;
}

Sts some_sts(Input& in) {
    Sts out;
    out.record = static_cast<RecordState>(in.ConsumeIntegralInRange(0, 4));
    out.record_reason = in.ConsumeRandomLengthString(80);
    out.fetch = static_cast<FetchState>(in.ConsumeIntegralInRange(0, 4));
    out.fetch_reason = in.ConsumeRandomLengthString(80);
    if (in.ConsumeBool()) out.policy = some_policy(in);
    out.policy_id = in.ConsumeRandomLengthString(40);
    out.expires_at = WallTime(milliseconds(in.ConsumeIntegral<std::int64_t>()));
    return out;
}

Evidence some_evidence(Input& in) {
    Evidence out{.nexthop = {.domain = some_domain(in), .literal_host = in.ConsumeBool()},
                 .mx = {},
                 .sts = some_sts(in),
                 .remembered = static_cast<Remembered>(in.ConsumeIntegralInRange(0, 2)),
                 .override_ = {},
                 .obtained_at = {},
                 .partial = in.ConsumeBool()};
    out.mx.state = static_cast<MxState>(in.ConsumeIntegralInRange(0, 5));
    out.mx.implicit = in.ConsumeBool();
    out.mx.canonical_name = in.ConsumeRandomLengthString(64);
    out.mx.reason = in.ConsumeRandomLengthString(300);
    for (int left = in.ConsumeIntegralInRange(0, 4); left > 0; left--)
        out.mx.hosts.push_back(some_host(in));
    out.mx.beyond = in.ConsumeIntegralInRange<std::size_t>(0, 3);
    if (in.ConsumeBool())
        out.override_ =
            Override{.kind = static_cast<Override::Kind>(in.ConsumeIntegralInRange(0, 2)),
                     .policy = in.ConsumeRandomLengthString(200)};
    return out;
}

void check_verdict(const Verdict& verdict, const Evidence& evidence, bool enforced) {
    check(verdict.row >= 1 && verdict.row <= 13);
    check((verdict.row == 1) == evidence.override_.has_value());
    check(!verdict.reasons.empty());
    for (const auto& reason : verdict.reasons)
        check(!reason.empty() && reason.size() <= 400 && fuzz::is_printable(reason));
    check((verdict.cls == Class::tempfail) == !verdict.temp_reason.empty());
    check(verdict.temp_reason.size() <= 200 && fuzz::is_printable(verdict.temp_reason));
    if (verdict.cls == Class::enforce) check(enforced);
    if (verdict.cls == Class::tempfail) check(enforced || evidence.mx.state == MxState::bogus);
}

// What secure must still mean after everything that was left out.
void check_secure(const PostfixPolicy& read, const mtasts::Policy& policy, const Mx& mx) {
    check(read.level == "secure");
    const auto named = [&](std::string_view name) {
        return std::ranges::any_of(policy.mx,
                                   [&](const mtasts::MxPattern& pattern) {
                                       return name == pattern.text() ||
                                              (pattern.wildcard &&
                                               name == "." + pattern.domain.name());
                                   }) ||
               std::ranges::any_of(mx.hosts, [&](const Host& host) {
                   return name == host.name.name() && mtasts::matches(policy, host.name);
               });
    };
    std::size_t matches = 0;
    for (const auto& [name, value] : read.attributes) {
        check(name != "policy_failure");
        if (name == "mx_host_pattern") check(named(value));
        if (name != "match") continue;
        matches++;
        for (std::string_view rest = value; !rest.empty();) {
            const auto part = rest.substr(0, rest.find(':'));
            check(!part.empty() && named(part));
            check(part != "hostname" && part != "nexthop" && part != "dot-nexthop");
            rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        }
    }
    check(matches == 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input in(data, size);
    const Options how{.mixed = static_cast<Mixed>(in.ConsumeIntegralInRange(0, 2)),
                      .postfix_dnssec = in.ConsumeBool(),
                      .default_level = static_cast<DefaultLevel>(in.ConsumeIntegralInRange(0, 7))};
    const ReplyOptions options{.form = static_cast<Form>(in.ConsumeIntegralInRange(0, 1)),
                               .match = static_cast<Match>(in.ConsumeIntegralInRange(0, 1)),
                               .no_policy = in.ConsumeBool() ? "may" : "",
                               .limit = in.ConsumeBool() ? in.ConsumeIntegral<std::uint16_t>()
                                                         : max_reply_text,
                               .coding = static_cast<Coding>(in.ConsumeIntegralInRange(0, 1))};
    const WallTime now(milliseconds(in.ConsumeIntegral<std::int64_t>()));
    const Evidence evidence = some_evidence(in);

    const Verdict verdict = decide(evidence, how, now);
    check_verdict(verdict, evidence, evidence.sts.enforced(now));
    const Reply reply = render(verdict, evidence, options);
    if (reply.kind == Reply::Kind::temp)
        check(!reply.text.empty() && reply.text.size() <= 200 && fuzz::is_printable(reply.text));
    check(fuzz::is_printable(reply.defect));
    if (verdict.cls != Class::override_) check(reply.defect.empty());
    if (reply.kind != Reply::Kind::ok || verdict.cls == Class::override_) return 0;

    const auto read = read_postfix_policy(reply.text, options.form);
    check(read.has_value());
    check(fuzz::is_printable(reply.text));
    if (verdict.cls == Class::enforce) {
        check(reply.text.size() <= options.limit);
        check_secure(*read, *evidence.sts.policy, evidence.mx);
    }
    if (verdict.cls == Class::dane) check(read->level == to_string(verdict.level));
    if (verdict.cls == Class::may) check(read->level == "may");
    return 0;
}
