// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace postseal {
namespace {

// So many digits off the front, no fewer.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
    unsigned value = 0;
    const std::string_view digits = text.substr(0, count);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.size() < count || fault != std::errc{} || end != digits.data() + count)
        return std::nullopt;
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char mark) {
    if (!text.starts_with(mark)) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::chrono::sys_days> take_day(std::string_view& text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(*month), std::chrono::day(*day)};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date);
}

std::optional<seconds> take_time_of_day(std::string_view& text) {
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    const auto second = take(text, ':') ? take_digits(text, 2) : std::optional(0U);
    if (!second || *second > 59) return std::nullopt;
    return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(*second);
}

struct Unit {
    char letter;
    seconds length;
};
constexpr Unit units[] = {{'d', std::chrono::days(1)},
                          {'h', std::chrono::hours(1)},
                          {'m', std::chrono::minutes(1)},
                          {'s', seconds(1)}};

} // namespace

std::string rfc3339(WallTime time) {
    // Not by fmt's own: it counts nanoseconds, which end in the year 2262.
    const auto second = std::chrono::floor<seconds>(time);
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(second - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<WallTime> parse_until(std::string_view text) {
    const auto day = take_day(text);
    if (!day) return std::nullopt;
    if (text.empty()) return WallTime(*day + std::chrono::days(1));
    if (!take(text, 'T')) return std::nullopt;
    const auto time = take_time_of_day(text);
    if (!time || text != "Z") return std::nullopt;
    return WallTime(*day + *time);
}

std::optional<milliseconds> parse_span(std::string_view text) {
    constexpr std::int64_t longest = 100'000'000; // of seconds: three years
    std::int64_t count = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (fault != std::errc{} || end + 1 != text.data() + text.size() || count < 1)
        return std::nullopt;
    const auto* unit = std::ranges::find(units, *end, &Unit::letter);
    if (unit == std::end(units) || count > longest / unit->length.count()) return std::nullopt;
    return count * unit->length;
}

std::string span_text(milliseconds span) {
    auto left = std::max<std::int64_t>(std::chrono::floor<seconds>(span).count(), 0);
    std::string text;
    int shown = 0;
    for (const Unit& unit : units) {
        const std::int64_t count = left / unit.length.count();
        left %= unit.length.count();
        if (shown == 0 && count == 0 && unit.letter != 's') continue;
        if (shown++ == 2) break;
        if (count > 0 || text.empty())
            text += fmt::format("{}{}{}", text.empty() ? "" : " ", count, unit.letter);
    }
    return text;
}

std::string limit_text(milliseconds limit) {
    if (limit.count() % 1000 == 0) return fmt::format("{} s", limit.count() / 1000);
    return fmt::format("{} ms", limit.count());
}

} // namespace postseal
