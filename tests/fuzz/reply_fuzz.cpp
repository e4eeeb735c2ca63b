// SPDX-License-Identifier: BSD-3-Clause
//
// Evidence made of any octets, decided and written. Whatever servers and DNS say, the verdict is
// what the table says, said here a second time in another way, and Postfix gets one reply: the
// model of its parser reads it, it fits, and all that is in it is a word of ours, a name, or a line
// of the policy that was validated.
#include "postseal/verdict/postfix_policy.h"
#include "postseal/verdict/reply.h"
#include "postseal/wire/socketmap.h"
#include "postseal/wire/tcp_table.h"

#include "core/verdict/some_evidence.h"
#include "core/verdict/table_oracle.h"
#include "fuzz/check.h"

#include <fmt/format.h>
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

// The table's word, or the override's.
std::string_view expected_word(const Evidence& evidence, const Options& how, bool enforced) {
    if (!evidence.override_) return test::table_says(evidence, how, enforced);
    if (evidence.override_->kind == Override::Kind::policy) return "override";
    return evidence.override_->kind == Override::Kind::sts_only && enforced ? "secure" : "may";
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
void check_secure(const PostfixPolicy& read, const mtasts::Policy& policy, const Mx& mx,
                  const Nexthop& nexthop) {
    check(read.level == "secure");
    const auto is_string = [&](const std::string& value) {
        return std::ranges::find(policy.lines, value) != policy.lines.end() ||
               value == "version: STSv1" ||
               value == fmt::format("mode: {}", mtasts::to_string(policy.mode)) ||
               value == fmt::format("max_age: {}", policy.max_age.count()) ||
               std::ranges::any_of(policy.mx, [&](const mtasts::MxPattern& pattern) {
                   return value == "mx: " + pattern.text();
               });
    };
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
        if (name == "mx_host_pattern")
            check(named(value));
        else if (name == "policy_string")
            check(is_string(value) && value.find_first_of("{}") == std::string::npos);
        else if (name == "policy_domain")
            check(value == nexthop.domain.name());
        else if (name == "policy_type")
            check(value == "sts");
        else if (name == "servername")
            check(value == "hostname");
        else
            check(name == "match");
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

// As it goes over the wire.
void check_wire(const std::string& text, const ReplyOptions& options) {
    if (text.size() <= max_reply_text) {
        const std::string whole = wire::socketmap::ok(text);
        const std::string payload = "OK " + text;
        check(payload.size() <= wire::socketmap::max_reply);
        check(whole == fmt::format("{}:{},", payload.size(), payload));
    }
    if (options.coding == Coding::percent && options.limit <= wire::tcp_table::max_value) {
        const std::string line = wire::tcp_table::ok(text);
        check(line.starts_with("200 ") && line.size() <= wire::tcp_table::max_line);
    }
}

void check_requiretls(const Reply& reply, const Verdict& verdict, const Evidence& evidence) {
    if (reply.kind != Reply::Kind::ok) return;
    check(reply.text == "enforce" || reply.text == "opportunistic+starttls");
    const auto is_own = [&](const Host& host) { return host.name == evidence.nexthop.domain; };
    const bool domain_only = !evidence.nexthop.literal_host && !evidence.mx.implicit &&
                             std::ranges::none_of(evidence.mx.hosts, is_own);
    const bool sealed = verdict.cls == Class::enforce ||
                        (verdict.level == Level::dane_only &&
                         (domain_only || evidence.sts.enforced(evidence.obtained_at)));
    if (verdict.cls != Class::override_) check((reply.text == "enforce") == sealed);
}

// The MX hosts are known, and the policy covers none of them.
bool fits_none(const Evidence& evidence) {
    const bool known =
        evidence.mx.state == MxState::secure || evidence.mx.state == MxState::insecure;
    return known && !evidence.mx.hosts.empty() &&
           std::ranges::none_of(evidence.mx.hosts, [&](const Host& host) {
               return mtasts::matches(*evidence.sts.policy, host.name);
           });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input in(data, size);
    const Options how{.mixed = static_cast<Mixed>(in.ConsumeIntegralInRange(0, 2)),
                      .postfix_dnssec = in.ConsumeBool(),
                      .default_level = static_cast<DefaultLevel>(in.ConsumeIntegralInRange(0, 7)),
                      .testing = static_cast<Testing>(in.ConsumeIntegralInRange(0, 1))};
    const ReplyOptions options{
        .form = static_cast<Form>(in.ConsumeIntegralInRange(0, 2)),
        .match = static_cast<Match>(in.ConsumeIntegralInRange(0, 1)),
        .no_policy = in.PickValueInArray({"", "none", "may", "dane", "encrypt", "dane-only"}),
        .default_level = how.default_level,
        .limit = in.ConsumeBool() ? in.ConsumeIntegral<std::uint16_t>() : max_reply_text,
        .coding = static_cast<Coding>(in.ConsumeIntegralInRange(0, 1))};
    const WallTime now(milliseconds(in.ConsumeIntegral<std::int64_t>()));
    const Evidence evidence = test::some_evidence(in);

    const Verdict verdict = decide(evidence, how, now);
    const bool enforced =
        evidence.sts.enforced(now) ||
        (how.testing == Testing::enforce && evidence.sts.in_force(mtasts::Mode::testing, now));
    check_verdict(verdict, evidence, enforced);
    check(test::word_of(verdict) == expected_word(evidence, how, enforced));
    const Reply reply = render(verdict, evidence, options);
    if (reply.kind == Reply::Kind::temp)
        check(!reply.text.empty() && reply.text.size() <= 200 && fuzz::is_printable(reply.text));
    check(fuzz::is_printable(reply.defect));
    if (verdict.cls != Class::override_) check(reply.defect.empty());
    const auto no_policy = default_level_names.find(options.no_policy);
    const bool said = no_policy && !is_weaker(*no_policy, how.default_level);
    check((reply.kind == Reply::Kind::not_found) ==
          (verdict.cls == Class::may && !said && options.form != Form::requiretls));
    if (options.form == Form::requiretls) {
        check_requiretls(reply, verdict, evidence);
        return 0;
    }
    if (verdict.cls == Class::tempfail) check(reply.kind == Reply::Kind::temp);
    if (verdict.cls == Class::enforce && options.match == Match::mx && fits_none(evidence))
        check(reply.kind == Reply::Kind::temp);
    if (reply.kind != Reply::Kind::ok) return 0;
    if (verdict.cls == Class::override_) {
        check(reply.text == evidence.override_->policy);
        return 0;
    }

    const auto read = read_postfix_policy(reply.text, options.form);
    check(read.has_value());
    check(fuzz::is_printable(reply.text));
    if (verdict.cls == Class::enforce) {
        check(reply.text.size() <= options.limit);
        check_secure(*read, *evidence.sts.policy, evidence.mx, evidence.nexthop);
        check_wire(reply.text, options);
    }
    if (verdict.cls == Class::dane) check(reply.text == to_string(verdict.level));
    if (verdict.cls == Class::may) check(reply.text == options.no_policy);
    return 0;
}
