// serve/privileges.h: from root to the configured user, once the listeners are bound
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>

namespace postseal::serve {

// Nothing to do when `user` is empty. Errors: no such user, or we are not root and not that user.
[[nodiscard]] std::expected<void, std::string> switch_user(const std::string& user);

} // namespace postseal::serve
