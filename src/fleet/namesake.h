// fleet/namesake.h: whether another node reports in this one's name, as a copied state_dir makes it
//
// Who does it twice without a pause is another process; it is gone if it has not for a minute.
// Pure.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <optional>
#include <utility>

namespace postseal::fleet {

class Namesake {
  public:
    enum class Change { none, appeared, gone };
    // After each report of ours; `seen`: another has reported in our name since the one before.
    [[nodiscard]] Change note(bool seen, MonoTime now, WallTime wall) {
        if (seen) {
            last_ = now;
            if (++sightings_ != enough) return Change::none;
            since_ = wall;
            return Change::appeared;
        }
        if (sightings_ == 0 || now - last_ < gone_after) return Change::none;
        sightings_ = 0;
        return std::exchange(since_, std::nullopt) ? Change::gone : Change::none;
    }
    // There is one.
    [[nodiscard]] const std::optional<WallTime>& since() const { return since_; }

  private:
    static constexpr int enough = 2;
    static constexpr milliseconds gone_after{60'000};

    int sightings_ = 0; // since there were none
    MonoTime last_;
    std::optional<WallTime> since_;
};

} // namespace postseal::fleet
