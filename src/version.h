// version.h: what --version says: our version and commit, and the libraries at work
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace postseal {

[[nodiscard]] std::string version_text(const std::string& program);

} // namespace postseal
