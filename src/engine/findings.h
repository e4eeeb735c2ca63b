// engine/findings.h: what an operator should hear of destinations now
//
// Of each destination what the latest evaluation found (verdict/findings.h), and whether a map
// defers its mail (deferral.h). In memory only: after a restart a destination is back when it is
// looked up again, which the next try of its mail does. What is not looked up any more is dropped
// after a while. At most max_findings destinations.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/answer.h"
#include "log/log.h"
#include "postseal/base/time.h"
#include "postseal/verdict/findings.h"
#include "json/json.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::engine {

// {"code","text","fix"}
[[nodiscard]] Json finding_json(const verdict::Finding& finding);

class Findings {
  public:
    static constexpr std::size_t max_findings = 10'000;

    struct Entry {
        verdict::Finding finding;
        WallTime since;

        [[nodiscard]] Json json() const; // that of the finding, with "since"
        friend bool operator==(const Entry&, const Entry&) = default;
    };
    struct Keyed {
        std::string key;
        Entry known;

        [[nodiscard]] Json json() const; // the same, with "key"
    };

    explicit Findings(Log& log) : log_(log) {}

    // New ones are logged.
    void note(const Answer& answer, WallTime now);
    void forget(std::string_view key);
    // The overrides have changed: what was found under another than now counts no more, until it
    // is found again or that override is back.
    using OverrideOf = std::function<std::optional<verdict::Override>(const std::string& key)>;
    void go_by(const OverrideOf& override_of);
    // Of one destination; empty: none.
    [[nodiscard]] std::vector<Entry> of(std::string_view key, WallTime now) const;
    // Of one destination: {"code","text","fix","since"} each.
    [[nodiscard]] Json json_of(std::string_view key, WallTime now) const;
    // All with that code, the latest first, at most so many.
    [[nodiscard]] std::vector<Keyed> with(verdict::FindingCode code, std::size_t max,
                                          WallTime now) const;
    [[nodiscard]] std::uint64_t count(verdict::FindingCode code, WallTime now) const;

  private:
    struct Destination {
        std::vector<Entry> all;
        WallTime noted_at;
        std::optional<verdict::Override> override_; // under which it was found
        bool outdated = false;                      // by the overrides as they are now
    };
    [[nodiscard]] static bool counts(const Destination& destination, WallTime now);
    void drop_outdated(WallTime now);

    Log& log_;
    std::map<std::string, Destination, std::less<>> destinations_;
};

} // namespace postseal::engine
