// verdict/settled.h: whether what is still pending can change the verdict
//
// Evidence may be partial: the MX RRset is pending (Mx::pending), or hosts are (Host::lookup), or
// what `Pending` names. A completion is the same evidence with all of that found out. settled():
// under each of the options every completion has the class, level and texts of the verdict that
// decide() makes of the partial evidence, and so, in every form, its reply; rows and reasons may
// differ. Which evidence that is: decide.h. A provisional host counts as it stands.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"

#include <span>

namespace postseal::verdict {

struct Pending {
    bool remembered = false; // what the store holds of the nexthop's DANE
    bool policy = false;     // the store's policy, the TXT record or the fetch
};

[[nodiscard]] bool settled(const Evidence& evidence, const Pending& pending,
                           std::span<const Options> options, WallTime now);

} // namespace postseal::verdict
