// fleet/troubles.h: what the server has not done, by what it was asked for
//
// Each kind of request has a trouble of its own, so that one that works does not hide another that
// does not. Pure.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/postgres.h"
#include "postseal/base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace postseal::fleet {

// What the server is asked for.
enum class Operation { read, share, lease, report, prune };

struct Trouble {
    Fault fault = Fault::unreachable;
    std::string text;
    WallTime since;
};

class Troubles {
  public:
    // Whether an operator has not heard of it yet.
    [[nodiscard]] bool failed(Operation operation, const Error& error, WallTime now);
    // What has ended by that, if anything has.
    [[nodiscard]] std::optional<Trouble> worked(Operation operation);

    [[nodiscard]] const std::optional<Trouble>& of(Operation operation) const {
        return troubles_.at(static_cast<std::size_t>(operation));
    }
    // In the order of Operation; null: there is none.
    [[nodiscard]] const Trouble* first() const;
    // Since the start.
    [[nodiscard]] std::uint64_t count(Fault fault) const {
        return counts_.at(static_cast<std::size_t>(fault));
    }

  private:
    [[nodiscard]] bool is_server_away() const;

    std::array<std::optional<Trouble>, 5> troubles_;
    std::array<std::uint64_t, faults> counts_{};
};

} // namespace postseal::fleet
