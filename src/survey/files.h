// survey/files.h: the files that Postfix and postseald depend on
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <optional>
#include <string>

namespace postseal::survey {

// Why a file or folder of CA certificates gives none; empty: it gives some.
[[nodiscard]] std::string authority_fault(const std::string& path);

// When the database in `state_dir` was last written; nothing: there is none to be seen.
[[nodiscard]] std::optional<WallTime> store_written(const std::string& state_dir);

// Empty: it cannot be read.
[[nodiscard]] std::string text_of_file(const std::string& path);

} // namespace postseal::survey
