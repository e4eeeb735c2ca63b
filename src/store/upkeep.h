// store/upkeep.h: what is done to all rows: old ones are dropped, times are moved with the clock
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/db_error.h"
#include "store/store.h"

#include <cstddef>
#include <string>

namespace postseal::store {

class Connection;

// Goes round through all that is stored, see Store::prune().
class Pruning {
  public:
    // So many keys. True: the step was the last of a round.
    [[nodiscard]] DbResult<bool> step(Connection& connection, WallTime before, std::size_t keys);

  private:
    std::size_t table_ = 0;
    std::string after_; // what lies before it has been looked at in this round
};

// As rescheduled() does it; all rows or none, for what is moved in part would be moved again.
[[nodiscard]] DbResult<> move_times(Connection& connection, const ClockJump& jump);

} // namespace postseal::store
