// service/part_options.h: what each part of the daemon needs of the configuration
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "dns/unbound.h"
#include "engine/engine.h"
#include "https/fetcher.h"

namespace postseal::service {

[[nodiscard]] dns::UnboundOptions unbound_options(const config::Dns& dns);
[[nodiscard]] https::FetcherOptions fetcher_options(const config::Https& https);
[[nodiscard]] engine::Options engine_options(const config::Config& config);

} // namespace postseal::service
