// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/findings.h"

#include "postseal/base/names.h"
#include "postseal/base/text.h"
#include "postseal/mtasts/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>

namespace postseal::verdict {
namespace {

constexpr std::size_t max_named = 3;

// Null: none that counts.
const mtasts::Policy* policy_in_force(const Evidence& evidence, WallTime now) {
    const Sts& sts = evidence.sts;
    if (evidence.override_ && !evidence.override_->needs_lookup()) return nullptr;
    if (!sts.enforced(now) && !sts.in_force(mtasts::Mode::testing, now)) return nullptr;
    return sts.policy ? &*sts.policy : nullptr;
}

} // namespace

constexpr auto finding_code_names =
    names_for<FindingCode>({{FindingCode::deferred, "deferred"},
                            {FindingCode::policy_fits_none, "policy-fits-none"},
                            {FindingCode::policy_fits_some, "policy-fits-some"}});
std::string_view to_string(FindingCode code) { return finding_code_names[code]; }

std::vector<Finding> findings(const Evidence& evidence, WallTime now) {
    const Mx& mx = evidence.mx;
    const bool obtained = mx.state == MxState::secure || mx.state == MxState::insecure;
    const mtasts::Policy* policy = policy_in_force(evidence, now);
    if (!obtained || mx.hosts.empty() || policy == nullptr) return {};
    std::vector<std::string> outside;
    std::size_t count = 0;
    for (const Host& host : mx.hosts) {
        if (mtasts::matches(*policy, host.name)) continue;
        if (count++ < max_named) outside.push_back(printable(host.name.name(), 60));
    }
    if (count == 0) return {};
    const bool none = count == mx.hosts.size();
    const std::string names =
        fmt::format("{}{}", fmt::join(outside, ", "), count > max_named ? ", ..." : "");
    return {Finding{
        .code = none ? FindingCode::policy_fits_none : FindingCode::policy_fits_some,
        .text = none ? fmt::format("the MTA-STS policy matches none of the MX hosts: {}", names)
                     : fmt::format("the MTA-STS policy does not match {} of {} MX hosts: {}", count,
                                   mx.hosts.size(), names),
        .fix = fmt::format("the operator of {} adds \"mx: {}\" to the policy, and gives its record "
                           "a new id; or corrects the MX records",
                           printable(evidence.nexthop.domain.name(), 60), outside.front())}};
}

} // namespace postseal::verdict
