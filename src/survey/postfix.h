// survey/postfix.h: Postfix's configuration, from its own postconf(1)
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"

#include <expected>
#include <optional>
#include <string>

namespace postseal::survey {

// `program`: postconf(1); `folder`: of main.cf, empty: Postfix's own. Errors: one sentence.
[[nodiscard]] std::expected<doctor::Postconf, std::string> read_postconf(const std::string& program,
                                                                         const std::string& folder);

// With all of its groups, as smtp(8) has them; nothing: there is no such user.
[[nodiscard]] std::optional<doctor::User> find_user(const std::string& name);

} // namespace postseal::survey
