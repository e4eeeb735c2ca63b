// json/json.h: JSON as the daemon, its tool and the status page exchange it
// Members keep the order in which they were written. Any thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace postseal {

using Json = nlohmann::ordered_json;

// A member's text; empty where it is missing or no text, and where `object` is not an object.
[[nodiscard]] std::string text_of(const Json& object, const char* name);
// ASCII, on one line; or on many, indented by so much. What is not UTF-8 is replaced.
[[nodiscard]] std::string dumped(const Json& json, int indent = -1);

} // namespace postseal
