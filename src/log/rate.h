// log/rate.h: limits the log lines of one kind
//
// A provider with 100,000 domains that breaks must not fill a disk.
// In each window, which begins with a kind's first line, so many lines of the kind are let through
// and the rest is counted. What comes once is therefore never held back. Kinds are few: an event
// and, where it has one, its class of reason. Memory is bounded: when `kinds` of them are known, a
// new one counts with all others of its event.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/line.h"
#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postseal::log {

// What is counted together: events of one name, level and, in one of their fields, one value.
struct Kind {
    std::string event;
    Level level = Level::info;
    std::string field; // empty: the event has no class of reason
    std::string value;

    friend auto operator<=>(const Kind&, const Kind&) = default;
};

// The class of reason is in "fault", "row" or "part"; an error's whole reason is one.
[[nodiscard]] Kind kind_of(const Event& event);

class Rate {
  public:
    struct Limits {
        unsigned lines = 10;
        milliseconds window{60'000};
        std::size_t kinds = 256;
    };
    struct Held {
        Kind kind;
        std::uint64_t lines = 0;
        friend bool operator==(const Held&, const Held&) = default;
    };

    explicit Rate(const Limits& limits) : limits_(limits) {}

    [[nodiscard]] bool admits(Kind kind, MonoTime now);
    // What was held back in windows that are over, each reported once; with MonoTime::max() all.
    [[nodiscard]] std::vector<Held> take_ended(MonoTime now);
    // When the next window ends.
    [[nodiscard]] std::optional<MonoTime> next_end() const;
    [[nodiscard]] std::size_t kinds() const { return windows_.size(); }

  private:
    struct Window {
        MonoTime end;
        unsigned lines = 0;
        std::uint64_t held = 0;
    };
    using Windows = std::map<Kind, Window>;
    Windows::value_type& window_of(Kind kind, MonoTime now);

    Limits limits_;
    Windows windows_;
    std::vector<Held> over_; // of windows that gave way to the kind's next
};

} // namespace postseal::log
