// serve/configuration_json.h: what of a configuration Postfix's has to fit
//
//   {"store":"sqlite","default_level":"may","postfix_dnssec":true,"maps":[{"name":"postfix","form":"legacy"}],
//    "listeners":[{"address":"inet:127.0.0.1:8461","protocol":"socketmap","maps":[]}]}
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "json/json.h"

namespace postseal::serve {

[[nodiscard]] Json configuration_json(const config::Config& config);

} // namespace postseal::serve
