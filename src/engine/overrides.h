// engine/overrides.h: the operator's own word for a nexthop (postseal-overrides(5))
//
// A Postfix texthash file: "key<white space>policy" a line; "#" begins a comment, at the beginning
// of a line or behind white space; a line that begins with white space continues the one before.
// Keys: a nexthop as Postfix asks for it, an address too, or ".example.com" for all below
// example.com (the longest that fits counts, an exact key first), or "*" for every nexthop that no
// other key fits. "until=2027-01-31" in the comment ends the entry with that day, as if it were no
// longer there.
// Every policy is read by the model of Postfix's parser when the file is loaded: a fault, with its
// line, is an error, and nothing of the file counts.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "postseal/base/nexthop.h"
#include "postseal/base/time.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::engine {

// The addresses that have an override, maybe one that has ended.
struct AddressKeys {
    bool all = false; // by "*"
    std::set<std::string, std::less<>> named;

    // Nothing: the key is not such a address. It may be spelled in any way.
    [[nodiscard]] std::optional<Nexthop> find(std::string_view key) const;
    friend bool operator==(const AddressKeys&, const AddressKeys&) = default;
};

class Overrides {
  public:
    struct Entry {
        verdict::Override says;
        std::optional<WallTime> until;
        std::string comment; // without the "until="
        std::string file;    // as read() was given it
        std::size_t line = 0;

        friend bool operator==(const Entry&, const Entry&) = default;
    };
    struct Reading;

    Overrides() = default;

    // A file that is not there means no overrides. Errors: "FILE:LINE: what is wrong" of the first
    // fault, and how many there are.
    [[nodiscard]] static std::expected<Overrides, std::string> load(const std::string& path);
    [[nodiscard]] static std::expected<Overrides, std::string> parse(std::string_view text,
                                                                     const std::string& file);
    // All that is wrong, and the rest.
    [[nodiscard]] static Reading read(std::string_view text, const std::string& file);

    struct Match {
        verdict::Override says;
        std::optional<WallTime> until;

        // How long an answer that follows it may be used: at most an hour.
        [[nodiscard]] milliseconds holds(WallTime now) const;
        friend bool operator==(const Match&, const Match&) = default;
    };
    // By a clock that is not confirmed nothing ends that protects.
    [[nodiscard]] std::optional<Match> find(const Nexthop& nexthop, WallTime now,
                                            bool confirmed = true) const;
    // The key and the entry that find() goes by; null: none.
    using Keyed = std::pair<const std::string, Entry>;
    [[nodiscard]] const Keyed* find_entry(const Nexthop& nexthop, WallTime now,
                                          bool confirmed = true) const;
    [[nodiscard]] AddressKeys address_keys() const;
    // These, and those of `shared` whose keys are not among them.
    [[nodiscard]] Overrides over(const Overrides& shared) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    // By canonical key, ".parent" or "*".
    [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const {
        return entries_;
    }
    // Canonical keys and ".parent"s that one has and the other has not, or with another policy.
    [[nodiscard]] std::vector<std::string> differences(const Overrides& other) const;

  private:
    std::optional<std::string> add(const std::string& file, std::size_t line,
                                   std::string_view text);
    std::map<std::string, Entry, std::less<>> entries_;
};

// How long an answer may be used that rests on an override which ends then: at most an hour.
[[nodiscard]] milliseconds holds_until(std::optional<WallTime> until, WallTime now);

struct Overrides::Reading {
    Overrides overrides;
    std::vector<config::Error> faults; // the text begins with the entry's key, in quotes
};

// As the file says it: a policy, "ignore", "sts-only" or "sealed".
[[nodiscard]] std::string to_string(const verdict::Override& says);

// The end of an entry as the file says it: "2027-01-31" where it counts to the end of that day,
// else a time.
[[nodiscard]] std::string until_text(WallTime until);

} // namespace postseal::engine
