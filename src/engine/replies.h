// engine/replies.h: the replies of one answer, as they go over the wire
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace postseal::engine {

// One whole reply a variant (Maps::variants), ready to be sent.
using Replies = std::vector<std::string>;

} // namespace postseal::engine
