// support/flag.h: whether a task has ended
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"

namespace postseal::test {

struct Flag final : async::Done {
    bool set = false;
    void done() noexcept override { set = true; }
};

} // namespace postseal::test
