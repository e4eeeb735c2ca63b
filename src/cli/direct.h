// cli/direct.h: a lookup of our own, without a daemon and without its memory
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <nlohmann/json_fwd.hpp>

#include <expected>
#include <string>

namespace postseal::cli {

// The JSON of engine/explain.h. Errors: a part that cannot be built, in one sentence.
[[nodiscard]] std::expected<nlohmann::ordered_json, std::string>
explain_direct(const config::Config& config, const std::string& key);

} // namespace postseal::cli
