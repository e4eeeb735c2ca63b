// cache/replies.h: the replies of one answer, as they go over the wire
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"

#include <string>
#include <vector>

namespace postseal::cache {

// One whole reply a variant (Maps::variants), ready to be sent.
struct Replies : std::vector<std::string> {
    using std::vector<std::string>::vector;
    verdict::Class cls = verdict::Class::may; // as [verdict] judges; for who counts
};

} // namespace postseal::cache
