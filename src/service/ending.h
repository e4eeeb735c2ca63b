// service/ending.h: the end: listeners close, what is owed is answered for a moment, the loop stops
//
// Who has connected and not asked yet may still ask for a fifth of a second; 0.7 s after begin()
// the loop stops, whatever is owed.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "serve/listeners.h"

namespace postseal::service {

class Ending {
  public:
    Ending(async::UvLoop& loop, serve::Listeners& listeners) : loop_(loop), listeners_(listeners) {}
    void begin(serve::Listeners::Files files);
    [[nodiscard]] bool begun() const { return begun_; }

  private:
    void look();

    async::UvLoop& loop_;
    serve::Listeners& listeners_;
    async::Timer hurry_;
    async::Timer limit_;
    async::Timer again_;
    bool begun_ = false;
};

} // namespace postseal::service
