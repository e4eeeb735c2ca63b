// survey/sockets.h: what becomes of a connection, and what stands on the way to a unix socket
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"

#include <string>

namespace postseal::survey {

// Connects and hangs up at once; waits for at most 5 s for each address of a host name.
[[nodiscard]] doctor::Reached reach(const doctor::Endpoint& endpoint);

// Without symbolic links; empty: it is not there.
[[nodiscard]] std::string real_path(const std::string& path);

} // namespace postseal::survey
