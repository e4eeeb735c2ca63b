// engine/answer.h: what an evaluation ends in, and its replies as they go over the wire
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/maps.h"
#include "postseal/base/time.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/evidence.h"
#include "postseal/verdict/reply.h"

#include <memory>
#include <string>
#include <vector>

namespace postseal::engine {

struct Answer {
    verdict::Evidence evidence;
    verdict::Verdict verdict;            // as [verdict] judges; a map may judge otherwise
    std::shared_ptr<const Maps> maps;    // that it was written for
    std::vector<verdict::Reply> written; // one a variant
    cache::Replies replies;              // the same, as they go over the wire
    milliseconds holds{0};               // from when it was made; 0: for this question only
};

// One of its replies, for a client who has waited.
struct WireReply {
    std::string text;
    verdict::Class cls = verdict::Class::tempfail; // as [verdict] judges
};

} // namespace postseal::engine
