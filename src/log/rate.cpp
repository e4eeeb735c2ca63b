// SPDX-License-Identifier: BSD-3-Clause
#include "log/rate.h"

#include <algorithm>
#include <utility>

namespace postseal::log {

Kind kind_of(const Event& event) {
    Kind kind{.event = std::string(event.name), .level = event.level, .field = {}, .value = {}};
    for (const auto& [name, value] : event.fields) {
        const bool is_class = name == "fault" || name == "row" || name == "part" ||
                              (name == "reason" && event.level == Level::error);
        if (!is_class) continue;
        kind.field = name;
        kind.value = value;
        break;
    }
    return kind;
}

Rate::Windows::value_type& Rate::window_of(Kind kind, MonoTime now) {
    if (windows_.size() >= limits_.kinds && !windows_.contains(kind)) {
        std::erase_if(windows_, [&](const auto& entry) {
            return entry.second.end <= now && entry.second.held == 0;
        });
        if (windows_.size() >= limits_.kinds) kind.field = kind.value = "";
    }
    return *windows_.try_emplace(std::move(kind), Window{.end = now + limits_.window}).first;
}

bool Rate::admits(Kind kind, MonoTime now) {
    auto& [counted, window] = window_of(std::move(kind), now);
    if (window.end <= now) {
        if (window.held > 0) over_.push_back({counted, window.held});
        window = {.end = now + limits_.window};
    }
    if (window.lines < limits_.lines) {
        window.lines++;
        return true;
    }
    window.held++;
    return false;
}

std::vector<Rate::Held> Rate::take_ended(MonoTime now) {
    std::vector<Held> ended = std::exchange(over_, {});
    std::erase_if(windows_, [&](const auto& entry) {
        const auto& [kind, window] = entry;
        if (window.end > now) return false;
        if (window.held > 0) ended.push_back({kind, window.held});
        return true;
    });
    return ended;
}

std::optional<MonoTime> Rate::next_end() const {
    std::optional<MonoTime> next;
    for (const auto& [kind, window] : windows_)
        next = std::min(next.value_or(window.end), window.end);
    return next;
}

} // namespace postseal::log
