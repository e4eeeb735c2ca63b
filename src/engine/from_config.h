// engine/from_config.h: the configuration's words turned into the parts' options
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "dns/unbound.h"
#include "engine/engine.h"
#include "https/fetcher.h"

#include <cstddef>
#include <expected>
#include <string>

namespace postseal::engine {

[[nodiscard]] dns::UnboundOptions unbound_options(const config::Dns& dns);
[[nodiscard]] https::FetcherOptions fetcher_options(const config::Https& https);
[[nodiscard]] Options engine_options(const config::Config& config);

// What parse() cannot see: the files that the configuration names. Reads them all, listens and
// connects nowhere. Gives the number of overrides; error: the first fault, in one sentence.
[[nodiscard]] std::expected<std::size_t, std::string> check_files(const config::Config& config);

} // namespace postseal::engine
