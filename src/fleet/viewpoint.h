// fleet/viewpoint.h: between a node's rows and those of the server
//
// A row in the node's own store has the node's time and no name for the node itself where it says
// who found something out; one of the server's has the server's time and names every node. What
// comes back from the server keeps its names: any node can write any, and a copied machine has this
// one's. What is this node's own word, its own row says (as_seen_here()). Pure.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"

#include <optional>
#include <string>

namespace postseal::fleet {

struct Viewpoint {
    std::string node;      // whose rows they are
    milliseconds ahead{0}; // the server's clock, of the node's

    // Kept if it differs by more than the network does.
    void note_clock(milliseconds ahead_now);

    [[nodiscard]] SharedPolicy to_server(store::StsRow row,
                                         std::optional<WallTime> forgotten_at = {}) const;
    [[nodiscard]] SharedNexthop to_server(store::NexthopRow row,
                                          std::optional<WallTime> forgotten_at = {}) const;
    [[nodiscard]] SharedPolicy from_server(SharedPolicy policy) const;
    [[nodiscard]] SharedNexthop from_server(SharedNexthop look) const;

  private:
    void name(std::string& by) const;
};

} // namespace postseal::fleet
