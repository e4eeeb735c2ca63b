// SPDX-License-Identifier: BSD-3-Clause
#include "serve/configuration_json.h"

#include <nlohmann/json.hpp>

namespace postseal::serve {

Json configuration_json(const config::Config& config) {
    Json maps = Json::array();
    for (const config::Map& map : config.maps)
        maps.push_back({{"name", map.name}, {"form", to_string(map.reply.form)}});
    Json listeners = Json::array();
    for (const config::Listen& listen : config.listen)
        listeners.push_back({{"address", listen.address.text()},
                             {"protocol", to_string(listen.protocol)},
                             {"maps", listen.maps}});
    return {{"store", config::has_shared_store(config) ? "postgresql" : "sqlite"},
            {"default_level", to_string(config.verdict.default_level)},
            {"postfix_dnssec", config.verdict.postfix_dnssec},
            {"maps", maps},
            {"listeners", listeners}};
}

} // namespace postseal::serve
