// verdict/action.h: what a policy server tells Postfix to do (access(5), SMTPD_POLICY_README)
//
// An action is a word of access(5) and its text. What Postfix 3.7 to 3.11 do not know as an action
// they take for a restriction, and answer 451 to all mail; "550" alone, without a text, they take
// for OK. So every text of the configuration is checked before it counts.
// In it %d is the recipient's domain, %c the verdict's class, %r its first reason, %% a percent
// sign. The text written is one line of printable ASCII, at most 1000 octets.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"
#include "postseal/verdict/evidence.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::verdict {

inline constexpr std::string_view dunno = "DUNNO";

// Why the text is not an action and what to write instead; nothing: it is one.
[[nodiscard]] std::optional<std::string> action_fault(std::string_view text);

// By class, as configured.
struct Actions {
    std::array<std::string, 5> texts{"DUNNO", "DUNNO", "DUNNO", "DUNNO", "DUNNO"};

    [[nodiscard]] std::string& of(Class cls) { return texts.at(static_cast<std::size_t>(cls)); }
    [[nodiscard]] const std::string& of(Class cls) const {
        return texts.at(static_cast<std::size_t>(cls));
    }
    friend bool operator==(const Actions&, const Actions&) = default;
};

// DUNNO where the class is in doubt: a lookup or the policy's fetch failed, or was not done at the
// deadline, and the class is not tempfail, which says so itself.
[[nodiscard]] std::string action_for(const Verdict& verdict, const Evidence& evidence,
                                     const Actions& actions);

} // namespace postseal::verdict
