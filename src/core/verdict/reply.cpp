// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/reply.h"

#include "postseal/base/names.h"
#include "postseal/base/text.h"
#include "postseal/verdict/postfix_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace postseal::verdict {
namespace {

using mtasts::MxPattern;
using mtasts::Policy;

using Names = std::vector<std::string>;

// What match= would mean to Postfix in place of a name (tls_client.c): no MX host can be called so.
bool is_keyword(const std::string& name) {
    return name == "nexthop" || name == "dot-nexthop" || name == "hostname";
}

std::string match_name(const MxPattern& pattern) {
    return pattern.wildcard ? "." + pattern.domain.name() : pattern.domain.name();
}

bool is_current(const MxPattern& pattern, const Mx& mx) {
    return std::ranges::any_of(mx.hosts,
                               [&](const Host& host) { return pattern.matches(host.name); });
}

// "none of its 2 MX hosts (a.example, b.example)"; "none of the first 16 of its 20 MX hosts (...)"
std::string none_of(const Mx& mx) {
    constexpr std::size_t shown = 3;
    const std::size_t all = mx.hosts.size() + mx.beyond;
    Names names;
    for (const Host& host : mx.hosts)
        if (names.size() < shown) names.push_back(printable(host.name.name(), 60));
    const std::string looked_up =
        mx.beyond > 0 ? fmt::format("the first {} of ", mx.hosts.size()) : std::string();
    return fmt::format("none of {}its {} MX host{} ({}{})", looked_up, all, all == 1 ? "" : "s",
                       fmt::join(names, ", "), all > shown ? ", ..." : "");
}

// The RRset was obtained, and so it is known which hosts mail would go to.
bool obtained(const Mx& mx) {
    return (mx.state == MxState::secure || mx.state == MxState::insecure) && !mx.hosts.empty();
}

// The MX names that match a pattern, in the order of the patterns; where they are not known, the
// patterns.
Names match_names(const std::vector<MxPattern>& patterns, const Mx& mx, Match match) {
    Names out;
    if (match == Match::mx)
        for (const MxPattern& pattern : patterns)
            for (const Host& host : mx.hosts)
                if (pattern.matches(host.name) &&
                    std::ranges::find(out, host.name.name()) == out.end())
                    out.push_back(host.name.name());
    if (match == Match::patterns || !obtained(mx))
        std::ranges::transform(patterns, std::back_inserter(out), match_name);
    std::erase_if(out, is_keyword);
    return out;
}

bool is_mx_without_host(std::string_view line, const Policy& policy) {
    constexpr std::string_view key = "mx:";
    return line.starts_with(key) &&
           std::ranges::find(policy.mx_without_host, trim(line.substr(key.size()))) !=
               policy.mx_without_host.end();
}

// Only known keys matter in a report, and those are printable ASCII. Braces are Postfix's own.
bool fits_policy_string(std::string_view line, const Policy& policy) {
    return !is_mx_without_host(line, policy) && !line.empty() && line.front() != ' ' &&
           line.back() != ' ' && std::ranges::all_of(line, [](char c) {
               return c >= ' ' && c <= '~' && c != '{' && c != '}';
           });
}

Names policy_strings(const Policy& policy) {
    Names out;
    std::ranges::copy_if(policy.lines, std::back_inserter(out), [&policy](const std::string& line) {
        return fits_policy_string(line, policy);
    });
    if (!out.empty()) return out;
    out = {"version: STSv1", fmt::format("mode: {}", mtasts::to_string(policy.mode))};
    for (const MxPattern& pattern : policy.mx)
        out.push_back("mx: " + pattern.text());
    out.push_back(fmt::format("max_age: {}", policy.max_age.count()));
    return out;
}

std::string written(const PostfixPolicy& policy) {
    std::string out = policy.level;
    for (const auto& [name, value] : policy.attributes)
        out += name == "policy_string" ? fmt::format(" {{ {} = {} }}", name, value)
                                       : fmt::format(" {}={}", name, value);
    return out;
}

std::size_t size_of(std::string_view text, Coding coding) {
    const auto coded = [](char c) { return c <= ' ' || c > '~' || c == '%'; };
    return text.size() + (coding == Coding::percent
                              ? 2 * static_cast<std::size_t>(std::ranges::count_if(text, coded))
                              : 0);
}

// How much of a policy is written, from all of it to what must be there.
enum class Strings { all, first };
enum class Patterns { all, current };
struct Extent {
    Form form;
    Strings strings;
    Patterns patterns;
};
constexpr Extent extents[] = {
    {Form::tlsrpt, Strings::all, Patterns::all},
    {Form::tlsrpt, Strings::first, Patterns::all},
    {Form::tlsrpt, Strings::first, Patterns::current},
    {Form::legacy, Strings::first, Patterns::all},
    {Form::legacy, Strings::first, Patterns::current},
};

PostfixPolicy secure_policy(const Evidence& evidence, const Policy& policy, Match match,
                            const Extent& extent) {
    std::vector<MxPattern> patterns = policy.mx;
    if (extent.patterns == Patterns::current)
        std::erase_if(patterns, [&](const MxPattern& p) { return !is_current(p, evidence.mx); });
    if (patterns.empty()) patterns = policy.mx;

    PostfixPolicy out{.level = "secure", .attributes = {}};
    const Names names = match_names(patterns, evidence.mx, match);
    if (names.empty()) return out;
    const auto add = [&](std::string name, std::string value) {
        out.attributes.emplace_back(std::move(name), std::move(value));
    };
    add("match", fmt::format("{}", fmt::join(names, ":")));
    add("servername", "hostname");
    if (extent.form == Form::legacy) return out;

    add("policy_type", "sts");
    add("policy_domain", evidence.nexthop.domain.name());
    for (const MxPattern& pattern : patterns)
        add("mx_host_pattern", pattern.text());
    Names strings = policy_strings(policy);
    if (extent.strings == Strings::first) strings.resize(1);
    for (std::string& line : strings)
        add("policy_string", std::move(line));
    return out;
}

Reply temp(Cause cause, std::string_view reason) {
    return {.kind = Reply::Kind::temp, .text = printable(reason), .defect = {}, .cause = cause};
}

Reply defect(std::string what) {
    Reply reply = temp(Cause::defect, "postseal could not write the TLS policy, its log says why");
    reply.defect = std::move(what);
    return reply;
}

Reply ok(std::string text) {
    return {.kind = Reply::Kind::ok, .text = std::move(text), .defect = {}};
}

// Only what Postfix would read, and read as we mean it, is sent.
Reply checked(const PostfixPolicy& meant, Form form) {
    std::string text = written(meant);
    const auto read = read_postfix_policy(text, form);
    if (!read)
        return defect(
            fmt::format("Postfix would not read \"{}\": {}", printable(text, 400), read.error()));
    if (*read != meant)
        return defect(fmt::format("Postfix would misread \"{}\"", printable(text, 400)));
    return ok(std::move(text));
}

Reply enforce(const Evidence& evidence, const ReplyOptions& options) {
    if (!evidence.sts.policy) return defect("a verdict to enforce, and no policy beside it");
    const Policy& policy = *evidence.sts.policy;
    // Patterns would let Postfix before 3.10.5 deliver to a host that none of them covers: its
    // ".example.net" is a name of any depth (RFC 8461 section 4.1: one label).
    const auto fits = [&](const Host& host) { return mtasts::matches(policy, host.name); };
    if (options.match == Match::mx && obtained(evidence.mx) &&
        std::ranges::none_of(evidence.mx.hosts, fits))
        return temp(Cause::fits_no_host, fmt::format("the MTA-STS policy of {} fits {}",
                                                     printable(evidence.nexthop.domain.name(), 60),
                                                     none_of(evidence.mx)));
    for (const Extent& extent : extents) {
        if (extent.form == Form::tlsrpt && options.form == Form::legacy) continue;
        const PostfixPolicy meant = secure_policy(evidence, policy, options.match, extent);
        if (meant.attributes.empty())
            return temp(Cause::no_usable_mx,
                        fmt::format("no mx of the MTA-STS policy can be a host: {}",
                                    evidence.nexthop.domain.name()));
        if (size_of(written(meant), options.coding) <= options.limit)
            return checked(meant, extent.form);
    }
    return temp(Cause::reply_too_long,
                fmt::format("the MTA-STS policy does not fit into a reply of {} octets: {}",
                            options.limit, evidence.nexthop.domain.name()));
}

Reply bad_override(const std::string& text, const std::string& why) {
    return defect(
        fmt::format("Postfix would not read the override \"{}\": {}", printable(text, 400), why));
}

// The operator's text goes out as it is.
Reply operators_word(const std::string& text) {
    const auto read = read_override(text);
    return read ? ok(text) : bad_override(text, read.error());
}

// Postfix bounces what it is told to enforce where the TLS level does not authenticate.
Reply requiretls(bool authenticated) {
    return ok(authenticated ? "enforce" : "opportunistic+starttls");
}

// The key stands for [host]:587, too, whose TLSA records are others: Postfix strips brackets and
// port. An MTA-STS policy in force is that of each of these, and authenticates; DANE alone does not
// say how it stands with another port, nor does an override for the name.
bool enforced_for_each_form(const Verdict& verdict, const Evidence& evidence) {
    const OtherForms& others = evidence.other_forms;
    // Or one of mode testing that counts as enforced (option testing), for each form, too.
    const bool policy =
        verdict.cls == Class::enforce || evidence.sts.enforced(evidence.obtained_at);
    if (others.unauthenticated || (others.sts_only && !policy)) return false;
    if (others.all_overridden || policy) return true;
    return verdict.cls == Class::dane && !may_be_relay(evidence);
}

Reply requiretls(const Verdict& verdict, const Evidence& evidence) {
    switch (verdict.cls) {
    case Class::dane:
        return requiretls(verdict.level == Level::dane_only &&
                          enforced_for_each_form(verdict, evidence));
    case Class::enforce:
        return requiretls(enforced_for_each_form(verdict, evidence));
    case Class::may:
        return requiretls(false);
    case Class::override_: {
        const auto read = read_override(verdict.override_text);
        return read ? requiretls(authenticates(*read) && enforced_for_each_form(verdict, evidence))
                    : bad_override(verdict.override_text, read.error());
    }
    case Class::tempfail:
        return temp(verdict.cause, verdict.temp_reason);
    }
    return defect("a verdict without a class");
}

// So that main.cf's level applies.
Reply not_found() { return {.kind = Reply::Kind::not_found, .text = {}, .defect = {}}; }

Reply no_promise(const ReplyOptions& options) {
    if (options.no_policy.empty()) return not_found();
    const auto read = read_postfix_policy(options.no_policy, options.form);
    if (!read)
        return defect(fmt::format("Postfix would not read no_policy \"{}\": {}",
                                  printable(options.no_policy, 400), read.error()));
    const auto level = default_level_names.find(read->level);
    if (!level || is_weaker(*level, options.default_level)) return not_found();
    return ok(options.no_policy);
}

} // namespace

Reply render(const Verdict& verdict, const Evidence& evidence, const ReplyOptions& options) {
    if (options.form == Form::requiretls) return requiretls(verdict, evidence);
    switch (verdict.cls) {
    case Class::dane:
        return checked({.level = std::string(to_string(verdict.level)), .attributes = {}},
                       options.form);
    case Class::enforce:
        return enforce(evidence, options);
    case Class::may:
        return no_promise(options);
    case Class::override_:
        return operators_word(verdict.override_text);
    case Class::tempfail:
        return temp(verdict.cause, verdict.temp_reason);
    }
    return defect("a verdict without a class");
}

Reply no_nexthop(Form form) { return form == Form::requiretls ? requiretls(false) : not_found(); }

std::string_view to_string(Form form) { return form_names[form]; }

std::string_view to_string(Match match) { return match_words[match]; }

} // namespace postseal::verdict
