// dns/unbound_context.h: a libunbound context, set up and finalised
//
// Order: our settings, then the operator's unbound.conf(5), then the options one by one, then what
// may not be changed (validation on, expired answers never served). libunbound reads trust anchors,
// hints and zones when the context is finalised, which is done here, so that a fault shows at start
// and not at the first question. Its own log lines, if any, go to standard error.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/trust_anchor.h"
#include "dns/unbound.h"
#include "postseal/base/special_addresses.h"

#include <unbound.h>

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace postseal::dns {

struct ContextDelete {
    void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, ContextDelete>;

struct ContextSetup {
    Context context;
    std::vector<std::string> warnings; // what makes it less than it should be
    std::string outdated_anchor;       // AnchorSet::outdated
    std::vector<TrustAnchor> anchors;  // without those of an unbound.conf
    std::vector<IpPrefix> not_asked;   // name servers there are not
};

// Errors: one sentence each.
[[nodiscard]] std::expected<ContextSetup, std::string>
set_up_context(const UnboundOptions& options);

} // namespace postseal::dns
