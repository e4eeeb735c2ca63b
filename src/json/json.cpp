// SPDX-License-Identifier: BSD-3-Clause
#include "json/json.h"

#include <nlohmann/json.hpp>

namespace postseal {

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string dumped(const Json& json, int indent) {
    return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

} // namespace postseal
