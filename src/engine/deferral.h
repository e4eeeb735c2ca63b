// engine/deferral.h: which lookups of smtp_tls_policy_maps defer the mail, and why
//
// The one rule that findings, explain, list and the page go by: a map defers if its reply is
// temporary, whatever its name; one of form requiretls decides no TLS policy and does not count.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/answer.h"
#include "postseal/verdict/decide.h"

#include <string>
#include <vector>

namespace postseal::engine {

struct Deferral {
    std::vector<std::string> maps; // that defer; one of a tcp_table listener as "tcp:NAME"
    bool all = false;              // of the maps that Postfix may ask
    std::string reason;            // of the first
    verdict::Cause cause = verdict::Cause::none;

    explicit operator bool() const { return !maps.empty(); }
    // "REASON", or "map NAME: REASON" where not all defer; empty: none does.
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Deferral deferral(const Answer& answer);

} // namespace postseal::engine
