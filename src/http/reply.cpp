// SPDX-License-Identifier: BSD-3-Clause
#include "http/reply.h"

#include <fmt/format.h>

#include <array>

namespace postseal::http {
namespace {

std::string_view phrase_of(unsigned status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 414:
        return "URI Too Long";
    case 421:
        return "Misdirected Request";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "";
    }
}

} // namespace

std::string date(WallTime time) {
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days.at(std::chrono::weekday(day).c_encoding()),
        static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
        static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
        clock.seconds().count());
}

std::string to_wire(const Reply& reply, const Manner& manner, WallTime now) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n"
                                  "Date: {}\r\n"
                                  "Content-Type: {}\r\n"
                                  "Content-Length: {}\r\n"
                                  "Cache-Control: no-store\r\n"
                                  "Content-Security-Policy: {}\r\n"
                                  "X-Content-Type-Options: nosniff\r\n"
                                  "Referrer-Policy: no-referrer\r\n"
                                  "Cross-Origin-Resource-Policy: same-origin\r\n",
                                  reply.status, phrase_of(reply.status), date(now), reply.type,
                                  reply.body.size(), reply.content_policy);
    if (reply.status == 405) out += "Allow: GET, HEAD\r\n";
    out += manner.keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
    if (manner.method != Method::head) out += reply.body;
    return out;
}

} // namespace postseal::http
