// async/block_on.h: turns a real loop until a body ends; for main() and tests
//
// What the body throws leaves from here. Not from inside the loop: it does not nest.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/uv_loop.h"

namespace postseal::async {

template <class T> T block_on(UvLoop& loop, Task<T> body) {
    struct Flag final : Done {
        bool set = false;
        void done() noexcept override { set = true; }
    } flag;
    Outcome<T> outcome;
    const Driver driver = drive_into(static_cast<Done&>(flag), std::move(body), outcome);
    while (!flag.set)
        loop.run_once();
    return outcome.take();
}

} // namespace postseal::async
