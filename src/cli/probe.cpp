// SPDX-License-Identifier: BSD-3-Clause
#include "probe/probe.h"
#include "async/block_on.h"
#include "cli/commands.h"
#include "cli/direct.h"
#include "cli/exit_status.h"
#include "cli/probe_text.h"
#include "cli/setup.h"
#include "dns/mx_lookup.h"
#include "engine/json.h"
#include "postseal/base/text.h"
#include "tls/trust.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace postseal::cli {
namespace {

struct ProbeOptions {
    std::vector<std::string> keys;
    std::string map = "postfix";
    std::string host; // empty: all
    std::string port; // empty: the key's
    std::string timeout = "10s";
    bool ipv4 = false;
    bool ipv6 = false;
};

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

std::expected<probe::Options, ClientError> probe_options(const ProbeOptions& options) {
    const auto step = parse_span(options.timeout);
    if (!step)
        return std::unexpected(ClientError{
            usage, fmt::format("--timeout {}: a time, please, such as 10s", options.timeout)});
    using Family = tls::Address::Family;
    probe::Options out{.family = {}, .helo = own_name(), .step = *step, .progress = {}};
    if (options.ipv4 != options.ipv6) out.family = options.ipv4 ? Family::v4 : Family::v6;
    if (::isatty(STDERR_FILENO) == 1)
        out.progress = [](std::size_t done, std::size_t all) {
            fmt::print(stderr, "\r{} of {} addresses{}", done, all, done == all ? "\r\x1b[K" : "");
        };
    return out;
}

// What the evidence says, or for an override, which looks nothing up, a lookup of our own.
verdict::Mx mx_of(Direct& direct, const engine::Answer& answer) {
    if (!answer.evidence.override_) return answer.evidence.mx;
    return async::block_on(direct.loop(), dns::mx_lookup(direct.loop(), direct.resolver(),
                                                         answer.evidence.nexthop, nullptr));
}

delivery::Destination destination_of(const Nexthop& nexthop, verdict::Mx mx,
                                     const std::string& only_host) {
    delivery::Destination out{.nexthop = nexthop,
                              .mx = mx.state,
                              .mx_reason = std::move(mx.reason),
                              .canonical_name = std::move(mx.canonical_name),
                              .hosts = {}};
    for (verdict::Host& host : mx.hosts)
        if (only_host.empty() || equals_ignoring_case(host.name.name(), only_host))
            out.hosts.push_back({.host = std::move(host), .attempts = {}, .no_address = {}});
    return out;
}

// The tool's parts, for one destination after another.
class Prober {
  public:
    Prober(Direct& direct, std::shared_ptr<const tls::Trust> trust, std::size_t variant,
           verdict::DefaultLevel default_level, const ProbeOptions& options,
           const probe::Options& how)
        : direct_(direct), trust_(std::move(trust)), variant_(variant),
          default_level_(default_level), options_(options), how_(how) {}

    [[nodiscard]] std::expected<Probed, ClientError> probe(const Nexthop& nexthop) {
        const auto answer = direct_.answer(nexthop);
        const verdict::Reply& reply = answer->written[variant_];
        const verdict::Form form = direct_.maps().variants()[variant_].reply.form;
        const WallTime now = wall_now();
        const verdict::Sts& sts = answer->evidence.sts;
        Probed out{.destination = destination_of(nexthop, mx_of(direct_, *answer), options_.host),
                   .verdict = answer->verdict,
                   .map = options_.map,
                   .reply = reply,
                   .orders = delivery::orders(reply, form, default_level_),
                   .policy = now < sts.expires_at ? sts.policy : std::nullopt,
                   .now = now};
        if (out.destination.hosts.empty() && !options_.host.empty())
            return std::unexpected(ClientError{
                usage, fmt::format("{} has no MX host {}", nexthop.key(), options_.host)});
        async::block_on(direct_.loop(),
                        postseal::probe::probe(direct_.loop(), direct_.resolver(), trust_,
                                               out.destination, out.orders, how_));
        return out;
    }

  private:
    Direct& direct_;
    std::shared_ptr<const tls::Trust> trust_;
    std::size_t variant_;
    verdict::DefaultLevel default_level_;
    const ProbeOptions& options_;
    const probe::Options& how_;
};

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

int status_of(const Probed& probed) {
    const delivery::Fate end = fate(probed.destination, probed.orders);
    if (end.kind == delivery::Fate::Kind::deferred) return temporary;
    const bool sealed = end.kind == delivery::Fate::Kind::sealed && all_delivered_sealed(probed);
    return sealed ? ExitStatus::found : ExitStatus::problems;
}

void print(const Probed& probed, const Common& common) {
    if (common.json) {
        fmt::print("{}\n", dumped(probe_json(probed), 2));
    } else {
        const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
        fmt::print("{}", probe_text(probed, colour));
    }
    std::fflush(stdout);
}

// A map that says how mail goes, not whether its policy is enough for REQUIRETLS.
std::expected<std::size_t, ClientError> variant_of(const engine::Maps& maps,
                                                   const std::string& name) {
    const auto variant = maps.find(name);
    if (!variant)
        return std::unexpected(ClientError{
            usage, fmt::format("there is no map \"{}\"; there are {}", name, maps.names())});
    if (maps.variants()[*variant].reply.form == verdict::Form::requiretls)
        return std::unexpected(
            ClientError{usage, fmt::format("map \"{}\" does not say how mail goes", name)});
    return *variant;
}

int probe_all(const Common& common, const ProbeOptions& options) {
    const auto config = load_config(common);
    if (!config) return fail(config.error());
    const auto how = probe_options(options);
    if (!how) return fail(how.error());
    auto direct = Direct::open(*config);
    if (!direct) return fail(bad_config, direct.error());
    const auto variant = variant_of(direct->maps(), options.map);
    if (!variant) return fail(variant.error());
    auto trust = tls::Trust::load(config->https.ca_file);
    if (!trust) return fail(bad_config, trust.error());
    Prober prober(*direct, std::move(*trust), *variant, config->verdict.default_level, options,
                  *how);
    int status = ExitStatus::found;
    for (const std::string& key : options.keys) {
        const auto nexthop = nexthop_of(options, key);
        if (!nexthop) return fail(nexthop.error());
        const auto probed = prober.probe(*nexthop);
        if (!probed) return fail(probed.error());
        print(*probed, common);
        status = std::max(status, status_of(*probed));
    }
    return status;
}

} // namespace

Command probe_command(Common& common) {
    const auto options = std::make_shared<ProbeOptions>();
    return {
        .name = "probe",
        .summary = "connect to each MX host and foretell what Postfix does with mail for it",
        .arguments = several_keys(options->keys),
        .options = joined({{.name = "host",
                            .value = "NAME",
                            .help = "try this MX host only",
                            .target = &options->host},
                           {.letter = "4",
                            .name = "ipv4",
                            .help = "try IPv4 addresses only",
                            .target = &options->ipv4},
                           {.letter = "6",
                            .name = "ipv6",
                            .help = "try IPv6 addresses only",
                            .target = &options->ipv6},
                           {.letter = "m",
                            .name = "map",
                            .value = "MAP",
                            .help = "foretell for this map (default: postfix)",
                            .target = &options->map,
                            .values = {Values::Kind::such_as, {"postfix", "tlsrpt"}}},
                           {.name = "port",
                            .value = "PORT",
                            .help = "connect to this port (default: the key's)",
                            .target = &options->port},
                           {.letter = "t",
                            .name = "timeout",
                            .value = "TIME",
                            .help = "of each step, such as 30s (default: 10s)",
                            .target = &options->timeout}},
                          config_options(common)),
        .examples = {"postseal probe example.com", "postseal probe --ipv6 [mx.example.com]:587"},
        .footer =
            "Sends no mail. Exit status: 0 mail goes sealed to every host, 1 not to every "
            "host or not sealed, 64 usage, 75 mail would be deferred, 78 configuration error.",
        .run = [&common, options] { return probe_all(common, *options); }};
}

} // namespace postseal::cli
