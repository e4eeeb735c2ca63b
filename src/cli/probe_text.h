// cli/probe_text.h: what a probe has found, for people and for programs
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/explain_text.h"
#include "engine/json.h"
#include "postseal/delivery/facts.h"
#include "postseal/delivery/predict.h"
#include "postseal/mtasts/policy.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/reply.h"

#include <optional>
#include <string>

namespace postseal::cli {

// A probe that has ended, and what it was judged by.
struct Probed {
    delivery::Destination destination;
    verdict::Verdict verdict;
    std::string map;
    verdict::Reply reply; // what that map gives Postfix
    delivery::Orders orders;
    std::optional<mtasts::Policy> policy; // MTA-STS, in force
    WallTime now{milliseconds(0)};
};

// A line on the verdict; for each host its addresses, with the judgement first and what was seen
// below; last the fate of a message.
[[nodiscard]] std::string probe_text(const Probed& probed, Colour colour);

// Every fact; the members are in postseal(1).
[[nodiscard]] Json probe_json(const Probed& probed);

} // namespace postseal::cli
