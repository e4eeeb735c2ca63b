// engine/handle.h: the engine as one serving thread sees it
//
// snapshot() finds an answer that is known: no allocation, no lock, no suspension. ask() is for the
// others; the engine does it on its own thread (handles.h).
//
// Thread: made and destroyed on the engine's, used on one that serves.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/loop.h"
#include "async/task.h"
#include "engine/answer.h"
#include "engine/answer_memory.h"
#include "postseal/base/nexthop.h"

#include <string>

namespace postseal::engine {

class Handle {
  public:
    // `loop`: the serving thread's.
    Handle(AnswerMemory& known, const async::Loop& loop) : answer_memory_(known), loop_(loop) {
        answer_memory_.readers().add(reader_);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    virtual ~Handle() { answer_memory_.readers().remove(reader_); }

    [[nodiscard]] Snapshot snapshot() { return {answer_memory_, reader_}; }
    // For Snapshot::find().
    [[nodiscard]] MonoTime now() const { return loop_.turn_time(); }

    // The whole reply, as it goes over the wire, in the way of one of the maps there are then; for
    // delegation `map` is empty. After a lookup, or from memory if it is known by then. `client`:
    // who asks, see Engine::answer().
    using ClientId = async::Limiter::ClientId;
    [[nodiscard]] virtual async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                                     std::string map, ClientId client) = 0;

  private:
    AnswerMemory& answer_memory_;
    const async::Loop& loop_;
    cache::Reader reader_;
};

} // namespace postseal::engine
