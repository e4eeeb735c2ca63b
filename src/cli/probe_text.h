// cli/probe_text.h: what a probe has found, for people and for programs
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/explain_text.h"
#include "engine/outlook.h"
#include "postseal/delivery/facts.h"
#include "postseal/delivery/predict.h"
#include "postseal/mtasts/policy.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/reply.h"
#include "json/json.h"

#include <optional>
#include <string>
#include <vector>

namespace postseal::cli {

// A probe that has ended, and what it was judged by.
struct Probed {
    delivery::Destination destination;
    verdict::Verdict verdict;
    std::string postfix;            // "Postfix 3.7.11", "a Postfix of today"
    std::string by;                 // the table that answered; empty: none has a policy
    std::optional<std::string> map; // of postseald, if that one did
    verdict::Reply reply;           // what Postfix is given
    delivery::Orders orders;
    std::optional<mtasts::Policy> policy;  // MTA-STS, in force
    std::string sts_fault;                 // why a domain with a record has none
    std::vector<std::string> name_servers; // of Postfix
    std::vector<std::string> differences;  // of what they say and what postseald finds
    std::string authorities;               // the CA file of Postfix
    std::string relayhost;
    WallTime now{milliseconds(0)};
};

// A line on the verdict; for each host its addresses, with the judgement first and what was seen
// below; last the outcome of a message.
[[nodiscard]] std::string probe_text(const Probed& probed, Colour colour);

// Every fact; the members are in postseal(1).
[[nodiscard]] Json probe_json(const Probed& probed);

// The lines "mail" and "next" (engine/outlook.h) of one who has looked: what becomes of mail, and
// what helps. `known`: the same without a probe, which says what defers every mail.
[[nodiscard]] engine::Outlook probe_outlook(const Probed& probed, const engine::Outlook& known);

} // namespace postseal::cli
