// service/descriptors.h: enough file descriptors for the configured connections
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace postseal::service {

// Raises the soft limit as far as the hard one allows. A text: it is still too low for so many
// connections and what else we open; a warning, for the rest is served.
[[nodiscard]] std::optional<std::string> raise_descriptor_limit(std::size_t connections);

} // namespace postseal::service
