// store/pending.h: rows that wait to be written, one for each key
//
// A row takes the place of an older one as over() says (store/store.h).
// In the order in which they were saved, so that the oldest goes first when memory is short.
// Values; thread: whoever owns one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/fleet_rows.h"
#include "store/store.h"

#include <algorithm>
#include <cstddef>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace postseal::store {

[[nodiscard]] inline std::string_view key_of(const StsRow& row) { return row.domain.name(); }
[[nodiscard]] inline std::string_view key_of(const NexthopRow& row) { return row.nexthop; }
[[nodiscard]] inline std::string_view key_of(const Unshared& row) { return row.key; }
[[nodiscard]] inline std::string_view key_of(const FleetFact& fact) { return fact.name; }

// That a row was forgotten is worth saying until it has been.
[[nodiscard]] inline Unshared over(Unshared row, const Unshared& before) {
    if (!row.shared && !before.shared)
        row.forgotten_at = std::max(row.forgotten_at, before.forgotten_at);
    return row;
}
// Nothing of an older one is worth keeping.
[[nodiscard]] inline FleetFact over(FleetFact fact, const FleetFact&) { return fact; }

// Of what an operator forgot. It stays until it has been written: without it what is stored would
// come back.
[[nodiscard]] inline bool forgets(const StsRow& row) { return is_blank(row); }
[[nodiscard]] inline bool forgets(const NexthopRow& row) { return is_blank(row); }
[[nodiscard]] inline bool forgets(const Unshared& row) { return row.forgotten_at.has_value(); }
// What stays of a row that is dropped: nothing, or that an operator forgot what it was saved over.
[[nodiscard]] inline std::optional<StsRow> rest(const StsRow& row) {
    return row.replaces ? std::optional(StsRow{.domain = row.domain}) : std::nullopt;
}
[[nodiscard]] inline std::optional<NexthopRow> rest(const NexthopRow& row) {
    return row.replaces ? std::optional(NexthopRow{.nexthop = row.nexthop}) : std::nullopt;
}
[[nodiscard]] inline std::optional<Unshared> rest(const Unshared&) { return std::nullopt; }

// Roughly what a row holds of memory here.
[[nodiscard]] inline std::size_t weight(const StsRow& row) {
    return 2 * sizeof row + row.domain.name().size() + row.body.size() + row.id.size() +
           row.failed_id.size() + row.fault.size() + row.reason.size() + row.origin.size() +
           row.failed_by.size() + row.age.boot.size();
}
[[nodiscard]] inline std::size_t weight(const NexthopRow& row) {
    return 2 * sizeof row + row.nexthop.size() + row.verdict.size() + row.dane_by.size();
}

[[nodiscard]] inline std::size_t weight(const Unshared& row) {
    return 2 * sizeof row + row.key.size();
}
[[nodiscard]] inline std::size_t weight(const FleetFact& fact) {
    return 2 * sizeof fact + fact.name.size() + fact.value.size();
}

[[nodiscard]] inline std::size_t weight(const HistoryRow& row) {
    return 2 * sizeof row + row.nexthop.size() + row.before.size() + row.after.size() +
           row.reasons.size();
}

template <class Row> class Pending {
  public:
    Pending() = default;
    // The index points into the list, which keeps its nodes when it moves.
    Pending(Pending&& other) noexcept
        : rows_(std::exchange(other.rows_, {})), index_(std::exchange(other.index_, {})),
          weight_(std::exchange(other.weight_, 0)) {}
    Pending& operator=(Pending&& other) noexcept {
        rows_ = std::exchange(other.rows_, {});
        index_ = std::exchange(other.index_, {});
        weight_ = std::exchange(other.weight_, 0);
        return *this;
    }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    ~Pending() = default;

    [[nodiscard]] const std::list<Row>& rows() const { return rows_; }
    [[nodiscard]] std::size_t weight() const { return weight_; }
    [[nodiscard]] const Row* find(std::string_view key) const {
        const auto found = index_.find(key);
        return found == index_.end() ? nullptr : &*found->second;
    }

    void put(Row row) {
        if (const auto found = index_.find(key_of(row)); found != index_.end()) {
            row = over(std::move(row), *found->second);
            drop(found->second);
        }
        rows_.push_back(std::move(row));
        enter(std::prev(rows_.end()));
    }

    // Takes back what was saved before all that is here; what is here is newer.
    void put_older(Pending older) {
        while (!older.rows_.empty()) {
            const auto last = std::prev(older.rows_.end());
            const auto newer = index_.find(key_of(*last));
            if (newer == index_.end()) {
                rows_.splice(rows_.begin(), older.rows_, last);
                enter(rows_.begin());
                continue;
            }
            const Position place = newer->second;
            weight_ -= store::weight(*place);
            index_.erase(newer); // its key is the row's own
            *place = over(std::move(*place), *last);
            enter(place);
            older.rows_.erase(last);
        }
    }

    // Drops the oldest until no more than `limit` is held, but none that forgets(); says how many,
    // and which.
    template <class Dropped> std::size_t shrink(std::size_t limit, Dropped dropped) {
        std::size_t count = 0;
        for (auto next = rows_.begin(); weight_ > limit && next != rows_.end();) {
            const Position row = next++;
            if (forgets(*row)) continue;
            dropped(*row);
            count++;
            if (auto left = rest(*row)) {
                weight_ -= store::weight(*row);
                index_.erase(key_of(*row));
                *row = *std::move(left);
                enter(row);
            } else {
                drop(row);
            }
        }
        return count;
    }
    std::size_t shrink(std::size_t limit) {
        return shrink(limit, [](const Row&) {});
    }

  private:
    using Position = typename std::list<Row>::iterator;

    void enter(Position row) {
        index_.emplace(key_of(*row), row);
        weight_ += store::weight(*row);
    }
    void drop(Position row) {
        weight_ -= store::weight(*row);
        index_.erase(key_of(*row));
        rows_.erase(row);
    }

    std::list<Row> rows_;
    std::unordered_map<std::string_view, Position> index_;
    std::size_t weight_ = 0;
};

// Rows none of which takes the place of another.
class PendingHistory {
  public:
    [[nodiscard]] const std::list<HistoryRow>& rows() const { return rows_; }
    [[nodiscard]] std::size_t weight() const { return weight_; }
    void put(HistoryRow row) {
        weight_ += store::weight(row);
        rows_.push_back(std::move(row));
    }
    void put_older(PendingHistory older) {
        rows_.splice(rows_.begin(), older.rows_);
        weight_ += older.weight_;
    }
    std::size_t shrink(std::size_t limit) {
        std::size_t dropped = 0;
        for (; weight_ > limit; dropped++) {
            weight_ -= store::weight(rows_.front());
            rows_.pop_front();
        }
        return dropped;
    }

  private:
    std::list<HistoryRow> rows_;
    std::size_t weight_ = 0;
};

struct Batch {
    Pending<StsRow> sts;
    Pending<NexthopRow> nexthops;
    PendingHistory history;
    Pending<Unshared> unshared;
    Pending<FleetFact> fleet;

    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const {
        return sts.rows().size() + nexthops.rows().size() + history.rows().size() +
               unshared.rows().size() + fleet.rows().size();
    }
    [[nodiscard]] std::size_t weight() const {
        return sts.weight() + nexthops.weight() + history.weight() + unshared.weight() +
               fleet.weight();
    }
    void put_older(Batch older) {
        sts.put_older(std::move(older.sts));
        nexthops.put_older(std::move(older.nexthops));
        history.put_older(std::move(older.history));
        unshared.put_older(std::move(older.unshared));
        fleet.put_older(std::move(older.fleet));
    }
};

} // namespace postseal::store
