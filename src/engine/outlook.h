// engine/outlook.h: what becomes of mail by a verdict, and what helps
//
// From engine/explain.h's JSON, so without the mail hosts' own answers: where their certificates
// decide, it says so and names probe. In the words of Postfix's log (smtp(8)).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/json.h"

#include <string>

namespace postseal::engine {

struct Outlook {
    std::string mail; // sent, deferred or bounced, and why
    std::string next; // a command, a record, an override
};

[[nodiscard]] Outlook outlook(const Json& explain);

} // namespace postseal::engine
