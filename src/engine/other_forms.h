// engine/other_forms.h: what overrides say of a name's other forms
//
// Postfix 3.11 asks requiretls about "[name]:587", "[name]" and "name:587" by the name alone; its
// TLS policy it asks about as they stand. So the reply to requiretls depends on the overrides for
// all of them (verdict/reply.h).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/overrides.h"
#include "postseal/base/nexthop.h"
#include "postseal/base/time.h"
#include "postseal/verdict/evidence.h"

#include <optional>

namespace postseal::engine {

struct OtherForms {
    verdict::OtherForms overrides;
    std::optional<WallTime> until; // the first end of one of these overrides
};

// Of those that are not the nexthop's own. `confirmed` as for Overrides::find().
[[nodiscard]] OtherForms other_forms(const Overrides& overrides, const Nexthop& nexthop,
                                     WallTime now, bool confirmed);

} // namespace postseal::engine
