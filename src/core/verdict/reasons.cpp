// SPDX-License-Identifier: BSD-3-Clause
#include "reasons.h"

#include "postseal/base/text.h"
#include "postseal/dane/usability.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>

namespace postseal::verdict {
namespace {

constexpr std::size_t longest_clause = 400;

std::string with_cause(std::string text, std::string_view cause) {
    if (!cause.empty()) text += fmt::format(": {}", cause);
    return printable(text, longest_clause);
}

// A name of 253 octets must leave room for the cause in a reply's 200.
std::string brief(std::string_view text) { return printable(text, 72); }

std::string utc(WallTime time) {
    using namespace std::chrono;
    constexpr WallTime last = sys_days(year(9999) / 12 / 31);
    const auto whole = floor<seconds>(std::clamp(time, WallTime{}, last));
    const auto day = floor<days>(whole);
    const year_month_day date(day);
    const hh_mm_ss clock(whole - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// A cause that names what it is about says all by itself.
std::string told(const std::string& head, std::string_view name, const std::string& cause) {
    return contains(cause, name) ? printable(cause, longest_clause) : with_cause(head, cause);
}

std::string plural(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string usable_clause(const Host& host) {
    const auto usable = static_cast<std::size_t>(std::ranges::count_if(
        host.tlsa, [](const dane::Tlsa& tlsa) { return dane::usable(tlsa).has_value(); }));
    std::string what = "usable TLSA records";
    if (usable > 0) what = plural(usable, "usable TLSA record");
    if (usable > 0 && usable < host.tlsa.size())
        what += fmt::format(" of {} TLSA records", host.tlsa.size());
    if (!host.tlsa_name.empty()) what += " at " + host.tlsa_name;
    return fmt::format("{} has {}", host.name.name(), what);
}

std::string host_clause(const Host& host) {
    const std::string& name = host.name.name();
    switch (host.state) {
    case HostState::usable:
        return with_cause(usable_clause(host), "");
    case HostState::unusable:
        return with_cause(fmt::format("{} has TLSA records{}{}, none usable", name,
                                      host.tlsa_name.empty() ? "" : " at ", host.tlsa_name),
                          host.reason);
    case HostState::none:
        return with_cause(host.address_secure
                              ? fmt::format("{} securely has no TLSA records", name)
                              : fmt::format("{} has no DANE, its addresses are insecure", name),
                          host.reason);
    case HostState::failed:
        return told(fmt::format("a needed lookup of {} failed", name), name, host.reason);
    case HostState::no_address:
        return with_cause(fmt::format("{} has no address and is left out", name), host.reason);
    }
    return name;
}

std::string sts_absence(const Sts& sts, WallTime now) {
    if (sts.policy && now >= sts.expires_at)
        return with_cause(fmt::format("no enforce policy: the last one (mode {}, id {}) ended {}",
                                      mtasts::to_string(sts.policy->mode), sts.policy_id,
                                      utc(sts.expires_at)),
                          sts.fetch_reason);
    if (sts.policy)
        return fmt::format("no enforce policy: mode {}", mtasts::to_string(sts.policy->mode));
    if (!sts.unread.empty())
        return with_cause("it is not known whether a policy is stored", sts.unread);
    switch (sts.record) {
    case RecordState::pending:
        return "no enforce policy: _mta-sts TXT not answered in time";
    case RecordState::absent:
        if (sts.record_reason.empty()) return "no enforce policy: no _mta-sts TXT record";
        return with_cause("no enforce policy: the TXT at _mta-sts is not an MTA-STS record",
                          sts.record_reason);
    case RecordState::invalid:
        return with_cause("no enforce policy: the _mta-sts TXT record is invalid",
                          sts.record_reason);
    case RecordState::failed:
        return contains(sts.record_reason, "_mta-sts")
                   ? with_cause("no enforce policy", sts.record_reason)
                   : with_cause("no enforce policy: the _mta-sts TXT lookup failed",
                                sts.record_reason);
    case RecordState::found:
        break;
    }
    if (sts.fetch == FetchState::waiting)
        return with_cause("the policy host has not been asked yet", sts.fetch_reason);
    if (sts.fetch == FetchState::pending) return "no enforce policy: the fetch has not ended yet";
    if (sts.fetch == FetchState::invalid)
        return with_cause("no enforce policy: the file fetched is not a valid policy",
                          sts.fetch_reason);
    return with_cause("no enforce policy: the fetch failed", sts.fetch_reason);
}

std::string a_labels(std::string_view mx) {
    const bool wildcard = mx.starts_with("*.");
    const auto domain = Domain::parse(wildcard ? mx.substr(2) : mx);
    return domain ? (wildcard ? "*." : "") + domain->name() : std::string(mx);
}

// What the domain's operator got wrong and we passed over.
std::vector<std::string> sts_notes(const Sts& sts) {
    std::vector<std::string> out;
    const auto note = [&out](const std::string& text) {
        out.push_back(printable(text, longest_clause));
    };
    if (sts.record == RecordState::found && !sts.record_reason.empty())
        note("the _mta-sts TXT record has " + sts.record_reason);
    if (!sts.fetch_note.empty()) note("the policy host: " + sts.fetch_note);
    if (!sts.policy) return out;
    for (const std::string& mx : sts.policy->mx_without_host)
        note(fmt::format("mx {} of the policy is not a host name: it matches no MX host",
                         brief(mx)));
    for (const std::string& mx : sts.policy->mx_converted)
        note(
            fmt::format("mx {} of the policy is not in A-labels, as RFC 8461 section 3.2 wants it: "
                        "read as {}",
                        brief(mx), a_labels(mx)));
    return out;
}

// A policy in force whose renewal fails is the warning to give before it runs out.
std::vector<std::string> sts_clauses(const Sts& sts, WallTime now) {
    if (!sts.enforced(now)) {
        std::vector<std::string> out{printable(sts_absence(sts, now), longest_clause)};
        std::ranges::move(sts_notes(sts), std::back_inserter(out));
        return out;
    }
    std::vector<std::string> out{
        printable(fmt::format("MTA-STS policy (enforce, id {}, until {}) is in force",
                              sts.policy_id, utc(sts.expires_at)),
                  longest_clause)};
    if (sts.record == RecordState::absent)
        out.push_back(with_cause("the _mta-sts TXT record is gone, which does not end the policy",
                                 sts.record_reason));
    if (sts.record == RecordState::invalid || sts.record == RecordState::failed)
        out.push_back(
            with_cause(fmt::format("the _mta-sts TXT record is {}, which does not end the policy",
                                   sts.record == RecordState::invalid ? "invalid" : "unavailable"),
                       sts.record_reason));
    if (sts.fetch == FetchState::failed || sts.fetch == FetchState::invalid)
        out.push_back(with_cause("refreshing the policy failed", sts.fetch_reason));
    std::ranges::move(sts_notes(sts), std::back_inserter(out));
    return out;
}

} // namespace

std::string mx_clause(const Evidence& evidence) {
    const Mx& mx = evidence.mx;
    const std::string& domain = evidence.nexthop.domain.name();
    const std::string alias =
        mx.canonical_name.empty() ? "" : fmt::format(" (a CNAME to {})", mx.canonical_name);
    switch (mx.state) {
    case MxState::secure:
    case MxState::insecure:
        if (evidence.nexthop.literal_host)
            return with_cause(fmt::format("{} is named in brackets: no MX lookup", domain), "");
        if (mx.implicit)
            return with_cause(fmt::format("{}{} has no MX ({} answer) and is its own host", domain,
                                          alias, to_string(mx.state)),
                              "");
        return with_cause(fmt::format("MX {}{} is {}", domain, alias, to_string(mx.state)), "");
    case MxState::bogus:
        return with_cause(fmt::format("MX {} is bogus", domain), mx.reason);
    case MxState::failed:
        return with_cause(fmt::format("the MX lookup of {} failed", domain), mx.reason);
    case MxState::null_mx:
        return told(fmt::format("{} has a null MX: it takes no mail", domain), domain, mx.reason);
    case MxState::nxdomain:
        return told(fmt::format("{} does not exist", domain), domain, mx.reason);
    }
    return domain;
}

// A zone that is bogus is so for all its names.
std::string said_once(std::string clause, const Mx& mx) {
    const std::string tail = ": " + printable(mx.reason, longest_clause);
    if (mx.state != MxState::bogus || mx.reason.empty() || !clause.ends_with(tail)) return clause;
    clause.resize(clause.size() - tail.size());
    return clause + ", for the same reason";
}

std::vector<std::string> describe(const Evidence& evidence, WallTime now) {
    std::vector<std::string> out;
    // Where an override says so, hosts are not looked at.
    if (!evidence.override_ || evidence.override_->kind == Override::Kind::sealed)
        out.push_back(mx_clause(evidence));
    for (const Host& host : evidence.mx.hosts)
        out.push_back(host_clause(host));
    if (evidence.mx.beyond > 0)
        out.push_back(fmt::format("{} more, not looked up: the limit is {}; counted as failed",
                                  plural(evidence.mx.beyond, "host"), max_hosts));
    if (evidence.mx.addresses > 0)
        out.push_back(fmt::format("{} with an address in the place of a name: no TLSA",
                                  plural(evidence.mx.addresses, "MX record")));
    std::ranges::transform(
        sts_clauses(evidence.sts, now), std::back_inserter(out),
        [&](std::string clause) { return said_once(std::move(clause), evidence.mx); });
    if (evidence.partial)
        out.emplace_back("decided before every lookup had ended, from what was known by then");
    return out;
}

Blame mx_blame(const Evidence& evidence) {
    const std::string domain = brief(evidence.nexthop.domain.name());
    const std::string& cause = evidence.mx.reason;
    if (evidence.mx.state == MxState::bogus)
        return {Cause::mx_bogus,
                printable(fmt::format("MX {} is bogus: {}", domain,
                                      cause.empty() ? "DNSSEC validation failed" : cause))};
    return {Cause::mx_failed,
            printable(fmt::format("MX {}: lookup failed{}{}; DANE may be in use{}", domain,
                                  cause.empty() ? "" : ": ", brief(cause),
                                  evidence.remembered == Remembered::dane ? ", as it was" : ""))};
}

Blame host_blame(const Evidence& evidence) {
    const auto host = std::ranges::find(evidence.mx.hosts, HostState::failed, &Host::state);
    if (host == evidence.mx.hosts.end())
        return {
            Cause::too_many_hosts,
            printable(fmt::format("TLSA of {} of {} not looked up: it has more than {} MX hosts",
                                  plural(evidence.mx.beyond, "host"),
                                  brief(evidence.nexthop.domain.name()), max_hosts))};
    const Cause cause = host->bogus ? Cause::host_bogus : Cause::host_failed;
    const std::string& name = host->name.name();
    const std::string_view record = host->address_secure ? "TLSA" : "address";
    if (contains(host->reason, name) && contains(host->reason, record) && host->reason.size() < 200)
        return {cause, printable(host->reason)};
    return {cause, printable(fmt::format("{} lookup of {} failed{}{}", record, brief(name),
                                         host->reason.empty() ? "" : ": ", host->reason))};
}

Blame sts_blame(const Evidence& evidence) {
    const std::string domain = brief(evidence.nexthop.domain.name());
    const Sts& sts = evidence.sts;
    if (!sts.unread.empty())
        return {Cause::policy_unread,
                printable(fmt::format("MTA-STS {}: the policy that may be stored is not known: {}",
                                      domain, sts.unread))};
    if (!sts.unasked.empty())
        return {Cause::policy_untried,
                printable(fmt::format("MTA-STS {}: nobody has been asked for the record yet: {}",
                                      domain, sts.unasked))};
    return {
        Cause::policy_untried,
        printable(fmt::format("MTA-STS {}: the policy host has not been asked yet: {}", domain,
                              sts.fetch_reason.empty() ? "others come first" : sts.fetch_reason))};
}

} // namespace postseal::verdict
