// observe/metrics_text.h: all metrics with their values of now (observe/registry.h)
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace postseal::observe {

class Observer;

[[nodiscard]] std::string metrics_text(Observer& observer);

} // namespace postseal::observe
