// engine/answer.h: what an evaluation ends in, and its replies as they go over the wire
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/evidence.h"
#include "postseal/verdict/reply.h"

#include <memory>
#include <string>
#include <vector>

namespace postseal::engine {

// One whole reply a variant (Maps::variants), in its protocol, ready to be sent.
using Replies = std::vector<std::string>;

struct Answer {
    verdict::Evidence evidence;
    verdict::Verdict verdict;            // as [verdict] judges; a map may judge otherwise
    std::vector<verdict::Reply> written; // one a variant
    std::shared_ptr<const Replies> replies;
    milliseconds holds{0}; // from when it was made; 0: for this question only
};

} // namespace postseal::engine
