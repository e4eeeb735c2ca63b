// fleet/feed_history.h: how far a node has read the change feed, and of which history it was
//
// Every version of the feed has a random token (fleet/shared_store.h). A server that has another
// token at a version that this node has read, or none, went another way before it: it failed over
// to a standby that lacked the last writes, was restored, or there are two. The node then goes back
// to the newest version that both have. It keeps the last pairs densely and older ones thinned out:
// 64 of them reach back for weeks.
// SharedKeys: which rows were read or written at which version in this run, so that what the other
// history may lack is offered again. It reaches back a limited number of versions; before that,
// everything is. AheadOfFeed: rows that were written, or read one by one, at a version that the
// feed has not been read up to. When it has, it must have brought them at that version; what it has
// not brought was lost with a history that this node never read, and is offered again.
// Values.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::fleet {

struct FeedVersion {
    std::int64_t version = 0; // 0: nothing has been written yet
    std::string token;        // empty: not known, taken from the server

    friend bool operator==(const FeedVersion&, const FeedVersion&) = default;
};

class FeedHistory {
  public:
    static constexpr std::size_t max_kept = 64;

    FeedHistory() = default;
    // text() of another run; what is not understood is left out.
    explicit FeedHistory(std::string_view text);
    [[nodiscard]] std::string text() const;

    [[nodiscard]] FeedVersion latest() const;
    // The oldest first.
    [[nodiscard]] const std::vector<FeedVersion>& versions() const { return versions_; }
    void read_up_to(FeedVersion version);
    // The newest that is in `there`, too; 0: none.
    [[nodiscard]] FeedVersion common(const std::vector<FeedVersion>& there) const;
    void go_back_to(const FeedVersion& version);
    void drop_up_to(std::int64_t version);

  private:
    std::vector<FeedVersion> versions_;
};

// Rows by their key, "sts/DOMAIN", "nexthop/KEY" or "override/KEY", and the version of each.
using RowVersions = std::map<std::string, std::int64_t>;

// A row to be offered, and when an operator forgot it.
struct RowToOffer {
    std::string key;
    std::optional<WallTime> forgotten_at;

    friend bool operator==(const RowToOffer&, const RowToOffer&) = default;
};

class SharedKeys {
  public:
    static constexpr std::size_t max_kept = 50'000;

    explicit SharedKeys(std::int64_t complete_from = 0) : complete_from_(complete_from) {}
    void note(std::int64_t version, RowToOffer row);
    // By key, each once. Nothing: what was touched so long ago is not known any more.
    [[nodiscard]] std::optional<std::vector<RowToOffer>> above(std::int64_t version) const;

  private:
    struct Noted {
        std::int64_t version;
        RowToOffer row;
    };
    std::deque<Noted> rows_; // in the order of arrival
    std::int64_t complete_from_;
};

class AheadOfFeed {
  public:
    void note(std::int64_t version, RowToOffer row);
    // The newest that was noted; 0: none is left.
    [[nodiscard]] std::int64_t latest() const;
    // The feed has been read up to `upto`, and brought these. What it should have brought and did
    // not; it is not noted any more.
    [[nodiscard]] std::vector<RowToOffer> missed(const RowVersions& brought, std::int64_t upto);
    [[nodiscard]] std::vector<RowToOffer> take_all();

  private:
    struct Noted {
        std::int64_t version = 0;
        std::optional<WallTime> forgotten_at;
    };
    std::map<std::string, Noted> rows_;
};

} // namespace postseal::fleet
