// SPDX-License-Identifier: BSD-3-Clause
#include "https/date.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>

namespace postseal::https {
namespace {

constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view pattern = "Xxx, 00 Xxx 0000 00:00:00 GMT";

bool fits(char is, char wanted) {
    if (wanted == '0') return is >= '0' && is <= '9';
    return wanted == 'X' || wanted == 'x' || is == wanted;
}

int number(std::string_view text, std::size_t at, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
}

} // namespace

std::optional<WallTime> parse_date(std::string_view text) {
    if (!std::ranges::equal(text, pattern, fits)) return std::nullopt;
    const auto* month = std::ranges::find(months, text.substr(8, 3));
    if (month == std::end(months)) return std::nullopt;
    const std::chrono::year_month_day day{
        std::chrono::year(number(text, 12, 4)),
        std::chrono::month(static_cast<unsigned>(month - std::begin(months)) + 1),
        std::chrono::day(static_cast<unsigned>(number(text, 5, 2)))};
    const int hour = number(text, 17, 2), minute = number(text, 20, 2),
              second = number(text, 23, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt; // 60: leap
    return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           seconds(second);
}

} // namespace postseal::https
