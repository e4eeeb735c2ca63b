// engine/view.h: the engine as one serving thread sees it
//
// look() is the way of a cached answer: no allocation, no lock, no suspension. ask() is the way of
// the others; the engine does it on its own thread (views.h).
// Thread: made and destroyed on the engine's, used on one that serves.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/loop.h"
#include "async/task.h"
#include "engine/answer.h"
#include "engine/known.h"
#include "postseal/base/nexthop.h"

#include <string>

namespace postseal::engine {

class View {
  public:
    // `loop`: the serving thread's.
    View(Known& known, const async::Loop& loop) : known_(known), loop_(loop) {
        known_.readers().add(reader_);
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    virtual ~View() { known_.readers().remove(reader_); }

    [[nodiscard]] Look look() { return {known_, reader_}; }
    // For Look::find().
    [[nodiscard]] MonoTime now() const { return loop_.turn_time(); }

    // The whole reply, as it goes over the wire, in the way of one of the maps there are then; for
    // delegation `map` is empty. After a lookup, or from memory if it is known by then. `client`:
    // who asks, see Engine::answer().
    using ClientId = async::Limiter::ClientId;
    [[nodiscard]] virtual async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                                     std::string map, ClientId client) = 0;

  private:
    Known& known_;
    const async::Loop& loop_;
    cache::Reader reader_;
};

} // namespace postseal::engine
