// fleet/kept_overrides.h: the overrides that a fleet shares, as one node has them
//
// By canonical key, those that were removed as well: rows like the others, the newest wins. They
// are kept among the node's own facts, so that they count from its first answer on and while the
// server is away; what must be written down is returned. Each keeps the version of the feed that it
// is shared at; go_back_to() marks those that another history of the server may lack, and
// unshared() gives them to be offered again. Tables other than those that they came from are
// another fleet's: doubt_all(), and what the new ones have not confirmed by their end is dropped. A
// value; thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/shared_store.h"
#include "store/fleet_rows.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace postseal::fleet {

class KeptOverrides {
  public:
    using Facts = std::vector<store::FleetFact>;

    void read(const store::FleetState& state);
    // Read or shared, and on the server at this version.
    [[nodiscard]] Facts take_in(const std::vector<SharedOverride>& theirs, std::int64_t version);
    [[nodiscard]] Facts go_back_to(std::int64_t version);
    [[nodiscard]] Facts offer_again(const std::string& key);
    [[nodiscard]] std::vector<SharedOverride> unshared() const;
    void doubt_all();
    [[nodiscard]] Facts drop_doubtful();
    // Those that count, each with a newline.
    [[nodiscard]] std::string lines() const;
    // Their lines, by key.
    using Lines = std::map<std::string, std::string>;
    [[nodiscard]] Lines in_force() const;
    // Those whose line is another now, removed ones as well; of one that was dropped with its
    // tables there is only the key.
    [[nodiscard]] std::vector<SharedOverride> changed_since(const Lines& before) const;

  private:
    struct Entry {
        SharedOverride one;
        std::int64_t version = 0; // not_shared: the server may lack it
    };
    [[nodiscard]] static store::FleetFact fact_of(const Entry& kept);

    std::map<std::string, Entry> kept_;
    std::set<std::string> doubtful_;
};

} // namespace postseal::fleet
