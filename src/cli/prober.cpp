// SPDX-License-Identifier: BSD-3-Clause
#include "cli/prober.h"

#include "async/block_on.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "dns/mx_lookup.h"
#include "postseal/base/text.h"
#include "postseal/delivery/differences.h"
#include "survey/postfix_resolver.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace postseal::cli {
namespace {

// The name that we give in EHLO: the machine's, if it is one that others can look up.
std::string own_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    const auto domain = Domain::parse(name.data());
    return domain && domain->name().contains('.') ? domain->name() : std::string();
}

std::expected<Nexthop, ClientError> nexthop_of(const ProbeOptions& options,
                                               const std::string& key) {
    auto nexthop = Nexthop::parse(key);
    if (nexthop && !options.port.empty()) {
        nexthop->port = 25;
        nexthop = Nexthop::parse(nexthop->key() + ":" + options.port);
    }
    if (!nexthop)
        return std::unexpected(
            ClientError{usage, fmt::format("no destination: {}", nexthop.error().text)});
    return std::move(*nexthop);
}

std::string mx_reason(const Nexthop& nexthop, const verdict::Mx& mx) {
    if (mx.state == verdict::MxState::bogus)
        return fmt::format("MX lookup of {} is bogus: {}", nexthop.domain.name(), mx.reason);
    if (mx.state == verdict::MxState::failed)
        return fmt::format("MX lookup of {} failed: {}", nexthop.domain.name(), mx.reason);
    return mx.reason;
}

std::expected<probe::Options, ClientError> probe_options(const ProbeOptions& options,
                                                         const PostfixHere& postfix) {
    const auto step = parse_span(options.timeout);
    if (!step)
        return std::unexpected(
            ClientError{usage, fmt::format("--timeout {}: is not a valid duration such as 10s",
                                           options.timeout)});
    using Family = tls::Address::Family;
    probe::Options out{.family = {}, .helo = own_name(), .step = *step, .progress = {}};
    if (options.ipv4 != options.ipv6)
        out.family = options.ipv4 ? Family::v4 : Family::v6;
    else if (postfix.protocols() == "ipv4" || postfix.protocols() == "ipv6")
        out.family = postfix.protocols() == "ipv4" ? Family::v4 : Family::v6;
    if (::isatty(STDERR_FILENO) == 1)
        out.progress = [](std::size_t done, std::size_t all) {
            fmt::print(stderr, "\r{} of {} addresses{}", done, all, done == all ? "\r\x1b[K" : "");
        };
    return out;
}

// A map that says how mail goes, not whether its policy is enough for REQUIRETLS.
std::expected<void, ClientError> check_map(const engine::Maps& maps, const std::string& name) {
    const auto variant = maps.find(name);
    if (!variant)
        return std::unexpected(ClientError{
            usage, fmt::format("there is no map \"{}\"; there are {}", name, maps.names())});
    if (maps.variants()[*variant].reply.form == verdict::Form::requiretls)
        return std::unexpected(
            ClientError{usage, fmt::format("map \"{}\" does not say how mail goes", name)});
    return {};
}

delivery::Destination destination_of(const Nexthop& nexthop, verdict::Mx mx,
                                     const std::string& only_host) {
    delivery::Destination out{.nexthop = nexthop,
                              .mx = mx.state,
                              .mx_reason = mx_reason(nexthop, mx),
                              .canonical_name = std::move(mx.canonical_name),
                              .hosts = {}};
    for (verdict::Host& host : mx.hosts)
        if (only_host.empty() || equals_ignoring_case(host.name.name(), only_host))
            out.hosts.push_back({.host = std::move(host), .attempts = {}, .no_address = {}});
    return out;
}

bool all_delivered_sealed(const Probed& probed) {
    for (const delivery::MxHost& host : probed.destination.hosts) {
        if (host.attempts.empty() && host.host.state != verdict::HostState::no_address)
            return false;
        for (const delivery::Attempt& attempt : host.attempts)
            if (predict(probed.destination, host, attempt, probed.orders).outcome !=
                delivery::Outcome::sealed)
                return false;
    }
    return true;
}

// Why there is no policy of MTA-STS although the domain means to have one; empty: it has, or has
// none to have.
std::string sts_fault(const verdict::Sts& sts) {
    using verdict::FetchState;
    using verdict::RecordState;
    if (sts.record == RecordState::invalid)
        return "the _mta-sts TXT record is invalid: " + sts.record_reason;
    if (sts.record == RecordState::failed)
        return "the _mta-sts TXT lookup failed: " + sts.record_reason;
    if (sts.record != RecordState::found) return {};
    if (sts.fetch == FetchState::failed || sts.fetch == FetchState::invalid)
        return fmt::format("the policy could not be fetched ({}): {}", sts.fetch_fault,
                           sts.fetch_reason);
    return {};
}

} // namespace

std::expected<Prober, ClientError> Prober::open(const Common& common, const ProbeOptions& options) {
    const auto config = load_config(common);
    if (!config) return std::unexpected(config.error());
    auto postfix = PostfixHere::read(options.postfix, *config);
    if (!postfix) return std::unexpected(ClientError{bad_config, postfix.error()});
    auto how = probe_options(options, *postfix);
    if (!how) return std::unexpected(how.error());
    auto direct = Direct::open(*config);
    if (!direct) return std::unexpected(ClientError{bad_config, direct.error()});
    if (!options.map.empty())
        if (auto good = check_map(direct->maps(), options.map); !good)
            return std::unexpected(good.error());
    std::shared_ptr<const tls::Trust> trust;
    if (postfix->is_there()) {
        using System = tls::Trust::System;
        auto loaded = tls::Trust::load_for_smtp(postfix->ca_file(), postfix->ca_folder(),
                                                postfix->appends_default_ca() ? System::appended
                                                                              : System::left_out);
        if (loaded) {
            trust = *std::move(loaded);
        } else {
            postfix->has_no_tls("Postfix has no TLS: " + loaded.error());
            auto none = tls::Trust::load_for_smtp("", "", System::left_out);
            if (!none) return std::unexpected(ClientError{bad_config, none.error()});
            trust = *std::move(none);
        }
    } else {
        auto loaded = tls::Trust::load(config->https.ca_file);
        if (!loaded) return std::unexpected(ClientError{bad_config, loaded.error()});
        trust = *std::move(loaded);
    }
    Prober out(std::move(*direct), std::move(*postfix), options, std::move(*how));
    out.trust_ = std::move(trust);
    return out;
}

// What the evidence says, or for an override, which looks nothing up, a lookup of our own.
verdict::Mx Prober::mx_of_ours(const engine::Answer& answer) {
    if (!answer.evidence.override_) return answer.evidence.mx;
    return async::block_on(direct_.loop(), dns::mx_lookup(direct_.loop(), direct_.resolver(),
                                                          answer.evidence.nexthop, nullptr));
}

verdict::Mx Prober::mx_of_postfix(const Nexthop& nexthop) {
    using Ad = survey::PostfixResolver::Ad;
    survey::PostfixResolver resolver(postfix_.name_servers(),
                                     postfix_.dnssec() ? Ad::believed : Ad::ignored);
    return async::block_on(direct_.loop(),
                           dns::mx_lookup(direct_.loop(), resolver, nexthop, nullptr));
}

std::expected<Lookup, ClientError> Prober::look_up(const engine::Answer& answer,
                                                   const Json* explained) const {
    if (options_.map.empty() && postfix_.is_there()) return postfix_.look_up(answer, explained);
    const std::string map = options_.map.empty() ? "postfix" : options_.map;
    auto reply = reply_of(answer, explained, map);
    if (!reply) return std::unexpected(ClientError{usage, fmt::format("there is no map {}", map)});
    return Lookup{.by = "map " + map, .map = map, .reply = *std::move(reply)};
}

std::expected<Probed, ClientError> Prober::probe(const std::string& key, const Json* explained) {
    const auto nexthop = nexthop_of(options_, key);
    if (!nexthop) return std::unexpected(nexthop.error());
    const auto answer = direct_.answer(*nexthop);
    auto found = look_up(*answer, explained);
    if (!found) return std::unexpected(found.error());
    const verdict::Sts& sts = answer->evidence.sts;
    const WallTime now = wall_now();
    verdict::Mx mx = mx_of_ours(*answer);
    std::vector<std::string> differences;
    if (postfix_.is_there() && !postfix_.dnssec()) {
        mx = mx_of_postfix(*nexthop);
        differences = {"smtp_dns_support_level of main.cf is not dnssec: Postfix sees no DNSSEC, "
                       "and so no DANE"};
    } else if (postfix_.is_there()) {
        verdict::Mx theirs = mx_of_postfix(*nexthop);
        differences = delivery::differences(nexthop->domain, mx, theirs);
        mx = std::move(theirs);
    }
    Probed out{.destination = destination_of(*nexthop, std::move(mx), options_.host),
               .verdict = answer->verdict,
               .postfix = postfix_.name(),
               .by = std::move(found->by),
               .map = std::move(found->map),
               .reply = found->reply,
               .orders = delivery::orders(found->reply, postfix_.reads(), postfix_.smtp()),
               .policy = now < sts.expires_at ? sts.policy : std::nullopt,
               .sts_fault = sts_fault(sts),
               .name_servers = postfix_.name_servers(),
               .differences = std::move(differences),
               .authorities = postfix_.is_there() ? postfix_.ca_file() : std::string(),
               .relayhost = postfix_.relayhost(),
               .now = now};
    if (out.destination.hosts.empty() && !options_.host.empty())
        return std::unexpected(
            ClientError{usage, fmt::format("{} has no MX host {}", nexthop->key(), options_.host)});
    async::block_on(direct_.loop(),
                    postseal::probe::probe(direct_.loop(), direct_.resolver(), trust_,
                                           out.destination, out.orders, how_));
    return out;
}

int status_of(const Probed& probed) {
    const delivery::MessageOutcome end = message_outcome(probed.destination, probed.orders);
    if (end.kind == delivery::MessageOutcome::Kind::deferred) return temporary;
    const bool sealed =
        end.kind == delivery::MessageOutcome::Kind::sealed && all_delivered_sealed(probed);
    return sealed ? ExitStatus::found : ExitStatus::problems;
}

} // namespace postseal::cli
