// log/line.h: one event of the log, in each of the forms that it can be written in
//
//   warning downgrade domain=example.com old=enforce new=none
//   {"time":"2026-11-22T15:04:05.123Z","level":"warning","event":"downgrade","domain":"example.com"}
//
// and as fields for the journal (systemd's "Native Journal Protocol"). A value with blanks, quotes
// or an equals sign is quoted in text; control characters become '?', so that nothing from outside
// begins a line of its own.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/options.h"
#include "postseal/base/time.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace postseal::log {

using Field = std::pair<std::string_view, std::string>;

struct Event {
    Level level = Level::info;
    std::string_view name; // a word in kebab-case
    std::span<const Field> fields;
};

// As syslog(3) counts: 3 is an error, 7 debugging.
[[nodiscard]] int priority(Level level);

[[nodiscard]] std::string timestamp(WallTime time); // to the millisecond

[[nodiscard]] std::string text_line(const Event& event);
// Nothing for the time: whoever reads it has a time of its own.
[[nodiscard]] std::string json_line(const Event& event, std::optional<WallTime> time);
// MESSAGE (the text line), PRIORITY, POSTSEAL_EVENT and POSTSEAL_<FIELD>. A field "nexthop" also
// gives its domain as POSTSEAL_DOMAIN, so that one match finds all that is logged of a domain.
[[nodiscard]] std::string journal_entry(const Event& event);

} // namespace postseal::log
