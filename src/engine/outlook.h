// engine/outlook.h: what becomes of mail by an answer, and what helps
//
// Without the mail hosts' own answers: where their certificates decide, it says so and names probe.
// In the words of Postfix's log (smtp(8)).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/answer.h"
#include "postseal/verdict/decide.h"

#include <string>
#include <string_view>

namespace postseal::engine {

struct Outlook {
    std::string mail; // sent, deferred or bounced, and why
    std::string next; // a command, a record, an override
};

[[nodiscard]] Outlook outlook(const Answer& answer);
// Of a key that is not a nexthop, or an address.
[[nodiscard]] Outlook outlook_no_nexthop(std::string_view key);

// A nexthop's key as a shell reads it.
[[nodiscard]] std::string quoted_key(std::string_view key);

// How to fix what defers the mail for the key.
[[nodiscard]] std::string fix_of(verdict::Cause cause, std::string_view key);

} // namespace postseal::engine
