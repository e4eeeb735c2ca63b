// SPDX-License-Identifier: BSD-3-Clause
#include "engine/validity.h"

#include <algorithm>

namespace postseal::engine {
namespace {

using namespace std::chrono_literals;

seconds doubled(seconds first, seconds most, unsigned failures) {
    seconds wait = first;
    for (unsigned i = 1; i < failures && wait < most; i++)
        wait *= 2;
    return std::min(wait, most);
}

milliseconds part(milliseconds whole, double share) {
    return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(whole.count()) * share));
}

// Without regard to policies.
milliseconds dns_holds(const verdict::Evidence& evidence, seconds txt_ttl, unsigned failures) {
    if (any_failed(evidence)) return lookup_retry(failures);
    return std::min(bounded_ttl(evidence.mx.ttl), bounded_ttl(txt_ttl));
}

// Now, or when a lookup of its MX RRset last told.
bool promises(const verdict::Evidence& evidence, WallTime now) {
    using verdict::HostState;
    if (evidence.remembered == verdict::Remembered::dane) return true;
    if (evidence.sts.policy && evidence.sts.expires_at > now) return true;
    return std::ranges::any_of(evidence.mx.hosts, [](const verdict::Host& host) {
        return host.state == HostState::usable || host.state == HostState::unusable;
    });
}

} // namespace

seconds bounded_ttl(seconds ttl) { return std::clamp(ttl, seconds(60s), seconds(longest_ttl)); }
seconds lookup_retry(unsigned failures) { return doubled(30s, 5min, failures); }
seconds prefetch_retry(unsigned failures) { return doubled(30s, 4h, failures); }
seconds fetch_retry(unsigned failures) { return doubled(5min, 1h, failures); }

milliseconds fetch_retry(unsigned failures, milliseconds life_left) {
    const milliseconds wait = fetch_retry(failures);
    if (life_left <= 0ms) return wait;
    return std::min(wait, std::max<milliseconds>(life_left / 2, min_refetch));
}

milliseconds holds_for(const verdict::Evidence& evidence, seconds txt_ttl, unsigned failures,
                       WallTime now) {
    const verdict::Sts& sts = evidence.sts;
    milliseconds least = dns_holds(evidence, txt_ttl, failures);
    if (sts.retry_at) least = std::min<milliseconds>(least, *sts.retry_at - now + fetch_grace);
    // A policy that has expired already (max_age 0) changes nothing any more.
    if (sts.policy && sts.expires_at > now) least = std::min(least, sts.expires_at - now);
    // An expiry that is due now must not make every query a cold one.
    return std::max<milliseconds>(least, 1s);
}

std::optional<milliseconds> prefetch_after(const verdict::Evidence& evidence, seconds txt_ttl,
                                           unsigned failures, WallTime now, double chance) {
    const verdict::Sts& sts = evidence.sts;
    const bool failed = any_failed(evidence);
    if (!promises(evidence, now) && (failed || evidence.mx.hosts.size() > max_prefetched_hosts))
        return std::nullopt;
    const milliseconds wait =
        failed ? prefetch_retry(failures) : dns_holds(evidence, txt_ttl, failures);
    milliseconds least = part(wait, 0.75 + 0.1 * chance);
    if (sts.policy && sts.expires_at > now)
        least = std::min(least, std::max<milliseconds>(part(sts.expires_at - now, 0.8), 60s));
    if (sts.retry_at) least = std::min(least, *sts.retry_at - now);
    return std::max<milliseconds>(least, 1s);
}

WallTime refresh_time(WallTime fetched_at, WallTime expires_at, double chance) {
    const milliseconds life = expires_at - fetched_at;
    const milliseconds daily = 22h + part(2h, chance);
    const milliseconds wait = std::min(part(life, 0.8), daily);
    return refresh_retry_time(fetched_at + std::max<milliseconds>(wait, min_refetch), expires_at);
}

WallTime refresh_retry_time(WallTime retry_at, WallTime expires_at) {
    return retry_at < expires_at ? retry_at : expires_at + expiry_grace;
}

} // namespace postseal::engine
