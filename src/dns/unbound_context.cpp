// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_context.h"

#include "dns/resolv_conf.h"
#include "dns/server_address.h"
#include "dns/system_files.h"
#include "dns/trust_anchor.h"
#include "dns/unbound_conf.h"
#include "dns/zone_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace postseal::dns {
namespace {

using Fault = std::expected<void, std::string>;

struct Setting {
    const char* name;
    const char* value;
};

// unbound.conf(5). Most answers are kept by the engine; libunbound's caches serve for the name
// servers, keys and delegations on the way to them.
constexpr std::array defaults{
    Setting{"outgoing-range:", "256"},
    Setting{"outgoing-num-tcp:", "32"},
    Setting{"num-queries-per-thread:", "1024"},
    Setting{"msg-cache-size:", "4m"},
    Setting{"rrset-cache-size:", "16m"},
    Setting{"key-cache-size:", "8m"},
    Setting{"neg-cache-size:", "2m"},
    Setting{"minimal-responses:", "yes"},
    // A zone's keys are asked for with the first question about it, not after the answer.
    Setting{"prefetch-key:", "yes"},
    Setting{"harden-glue:", "yes"},
    Setting{"harden-dnssec-stripped:", "yes"},
    Setting{"harden-below-nxdomain:", "yes"},
    Setting{"harden-short-bufsize:", "yes"},
    Setting{"harden-large-queries:", "yes"},
    // A failed lookup is tried again after 30 s; a bogus answer must not outlive that.
    Setting{"val-bogus-ttl:", "30"},
    // Name servers that all were silent for minutes are back at once, not when what is held against
    // them is forgotten (infra-host-ttl, 15 minutes).
    Setting{"infra-keep-probing:", "yes"},
    // Unless an unbound.conf changes it; what it stands for is in special_prefixes(), too.
    Setting{"do-not-query-localhost:", "yes"},
};

// What our answers' meaning rests on, whatever unbound.conf says.
constexpr std::array fixed{
    Setting{"module-config:", "validator iterator"}, Setting{"val-permissive-mode:", "no"},
    Setting{"serve-expired:", "no"}, Setting{"val-log-level:", "2"}, // why_bogus in full
};

// What do-not-query-localhost stands for.
constexpr std::array loopback{
    IpPrefix{.is_v6 = false, .octets = {127}, .bits = 8},
    IpPrefix{
        .is_v6 = true, .octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .bits = 128},
    IpPrefix{.is_v6 = true, .octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}, .bits = 104},
};

Fault check(int rc, std::string_view what) {
    if (rc == 0) return {};
    return std::unexpected(fmt::format("libunbound does not accept {}: {}", what, ub_strerror(rc)));
}

bool sends_twice() {
    const std::string version = ub_version(); // "1.17.1"
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    if (std::sscanf(version.c_str(), "%u.%u.%u", &major, &minor, &patch) < 2) return false;
    return std::tuple(major, minor, patch) < std::tuple(1U, 19U, 1U);
}

// The operator of a name server may have no part in our asking, so who says nothing is asked three
// times, not eight: for 2 s, for packets get lost and servers are slow. (Before 1.19.1 libunbound
// sends each try twice.) Addresses of name servers are looked up as they are needed, not ahead:
// 1 to 6 questions fewer, no round trip more, and those that have IPv6 only are reached the same
// (tests/bench/RESULTS.md).
Fault send_few_packets(ub_ctx* context) {
    const char* tries = sends_twice() ? "2" : "3";
    if (auto ok = check(ub_ctx_set_option(context, "outbound-msg-retry:", tries),
                        fmt::format("its setting outbound-msg-retry: {}", tries));
        !ok)
        return ok;
    return check(ub_ctx_set_option(context, "target-fetch-policy:", "0 0 0 0 0"),
                 "its setting target-fetch-policy: 0 0 0 0 0");
}

// QNAME minimisation (RFC 9156) takes 1 to 3 round trips more, and what it hides from top-level
// domains is little more than "_mta-sts". It needs a limit to what one question may cost: CNAMEs
// that answer a minimised question are not counted by max-query-restarts, and an endless chain of
// them makes 10,000 questions of one (libunbound 1.17).
Fault minimise_within_bounds(ub_ctx* context, bool minimise) {
    const bool bounded = ub_ctx_set_option(context, "max-global-quota:", "200") == 0;
    if (minimise && !bounded)
        return std::unexpected(fmt::format(
            "dns.qname_minimisation: libunbound {} cannot limit what a minimised question costs "
            "(its setting max-global-quota); leave the key out",
            ub_version()));
    const char* value = minimise ? "yes" : "no";
    return check(ub_ctx_set_option(context, "qname-minimisation:", value),
                 fmt::format("its setting qname-minimisation: {}", value));
}

template <std::size_t N> Fault apply(ub_ctx* context, const std::array<Setting, N>& settings) {
    for (const Setting& setting : settings)
        if (auto ok = check(ub_ctx_set_option(context, setting.name, setting.value),
                            fmt::format("its setting {} {}", setting.name, setting.value));
            !ok)
            return ok;
    return {};
}

Fault add_unbound_conf(ub_ctx* context, const std::string& path) {
    if (path.empty()) return {};
    if (const auto text = read_zone_file(path); !text)
        return std::unexpected(
            fmt::format("cannot read dns.unbound_conf {}: {}", path, text.error()));
    const int rc = ub_ctx_config(context, path.c_str());
    if (rc == 0) return {};
    return std::unexpected(fmt::format("libunbound does not accept dns.unbound_conf {}: {}; "
                                       "unbound-checkconf(8) names the line",
                                       path, ub_strerror(rc)));
}

Fault add_trust_anchors(ub_ctx* context, const std::vector<std::string>& configured,
                        ContextSetup& setup) {
    auto set = load_trust_anchors(configured);
    if (!set) return std::unexpected(std::move(set.error()));
    for (const std::string& path : set->files)
        if (auto ok = check(ub_ctx_add_ta_file(context, path.c_str()), "trust anchor " + path); !ok)
            return ok;
    for (const std::string& record : set->records)
        if (auto ok = check(ub_ctx_add_ta(context, record.c_str()),
                            fmt::format("a trust anchor ({})", set->origin));
            !ok)
            return ok;
    setup.anchors = std::move(set->keys);
    setup.outdated_anchor = std::move(set->outdated);
    return {};
}

// Adds the servers' addresses to `named`.
Fault read_root_hints(const std::string& path, std::vector<IpPrefix>& named) {
    const auto text = read_zone_file(path);
    if (!text)
        return std::unexpected(fmt::format("cannot read the root hints {}: {}; install the package "
                                           "dns-root-data, or set dns.root_hints to \"\" for those "
                                           "built into libunbound",
                                           path, text.error()));
    bool any = false;
    for (const ZoneRecord& record : zone_records(*text)) {
        if ((record.type != "A" && record.type != "AAAA") || record.fields.empty()) continue;
        const auto server = parse_server(record.fields.front());
        if (!server)
            return std::unexpected(
                fmt::format("root hints {}, line {}: {}", path, record.line, server.error()));
        any = true;
        named.push_back(server->address);
    }
    if (!any)
        return std::unexpected(fmt::format("root hints {} name no address of a name server", path));
    return {};
}

Fault add_root_hints(ub_ctx* context, const std::string& path, std::vector<IpPrefix>& named) {
    if (path.empty()) return {};
    if (auto ok = read_root_hints(path, named); !ok) return ok;
    return check(ub_ctx_set_option(context, "root-hints:", path.c_str()), "root hints " + path);
}

Fault add_servers(ub_ctx* context, const UnboundOptions& options, std::vector<IpPrefix>& named) {
    const auto forward = forward_servers(options.forward);
    if (!forward) return std::unexpected("dns.forward: " + forward.error());
    for (const std::string& text : *forward) {
        const auto server = parse_server(text);
        if (!server) return std::unexpected("dns.forward: " + server.error());
        if (auto ok = check(ub_ctx_set_fwd(context, text.c_str()), "the forwarder " + text); !ok)
            return ok;
        named.push_back(server->address);
    }
    for (const std::string& text : options.stub) {
        const auto stub = parse_stub(text);
        if (!stub) return std::unexpected("dns.stub: " + stub.error());
        if (auto ok =
                check(ub_ctx_set_stub(context, stub->zone.c_str(), stub->server.text.c_str(), 0),
                      "the stub zone " + text);
            !ok)
            return ok;
        named.push_back(stub->server.address);
    }
    return {};
}

std::string get(ub_ctx* context, const char* option) {
    char* value = nullptr;
    if (ub_ctx_get_option(context, option, &value) != 0) return "";
    const std::unique_ptr<char, decltype(&std::free)> owned(value, &std::free);
    return value;
}

// Nobody's NS records may make us ask hosts of the operator's own network, or our own.
Fault ask_global_servers_only(ub_ctx* context, const UnboundOptions& options,
                              std::vector<IpPrefix> named, std::vector<IpPrefix>& not_asked) {
    for (const std::string& text : options.private_name_servers) {
        const auto prefix = parse_prefix(text);
        if (!prefix) return std::unexpected("dns.private_name_servers: " + prefix.error());
        named.push_back(*prefix);
    }
    NamedServers in_conf = servers_in(options.unbound_conf);
    std::ranges::move(in_conf.addresses, std::back_inserter(named));
    for (const std::string& file : in_conf.root_hints)
        if (auto ok = read_root_hints(file, named); !ok) return ok;
    if (get(context, "do-not-query-localhost") == "no")
        std::ranges::copy(loopback, std::back_inserter(named));
    // It knows no exceptions: the list leaves out what may be asked.
    if (auto ok = check(ub_ctx_set_option(context, "do-not-query-localhost:", "no"),
                        "its setting do-not-query-localhost: no");
        !ok)
        return ok;
    not_asked = without(special_prefixes(), named);
    for (const IpPrefix& prefix : not_asked) {
        const std::string text = prefix.to_string();
        if (auto ok = check(ub_ctx_set_option(context, "do-not-query-address:", text.c_str()),
                            "its setting do-not-query-address: " + text);
            !ok)
            return ok;
    }
    return {};
}

// Removing a local zone that was never there has no effect but this.
Fault finalise(ub_ctx* context) {
    return check(ub_ctx_zone_remove(context, "none.postseal.invalid."),
                 "its settings, trust anchors or zones (its messages are on standard error)");
}

} // namespace

std::expected<ContextSetup, std::string> set_up_context(const UnboundOptions& options) {
    ContextSetup setup;
    setup.context.reset(ub_ctx_create());
    ub_ctx* context = setup.context.get();
    if (context == nullptr) return std::unexpected("libunbound cannot be set up: out of memory");
    std::vector<IpPrefix> named; // servers, by the operator
    auto ok = apply(context, defaults);
    if (ok) ok = send_few_packets(context);
    if (ok) ok = minimise_within_bounds(context, options.qname_minimisation);
    if (ok) ok = add_unbound_conf(context, options.unbound_conf);
    if (ok) ok = add_trust_anchors(context, options.trust_anchor, setup);
    if (ok) ok = add_root_hints(context, root_hints_file(options.root_hints), named);
    if (ok) ok = add_servers(context, options, named);
    if (ok) ok = ask_global_servers_only(context, options, std::move(named), setup.not_asked);
    if (ok) ok = apply(context, fixed);
    if (ok) ok = check(ub_ctx_async(context, 1), "a thread of its own");
    if (ok) ok = finalise(context);
    if (!ok) return std::unexpected(std::move(ok.error()));
    // An unbound.conf may hold anchors of its own.
    if (!setup.anchors.empty() || options.unbound_conf.empty())
        if (auto warning = root_anchor_warning(setup.anchors))
            setup.warnings.push_back(*std::move(warning));
    return setup;
}

} // namespace postseal::dns
