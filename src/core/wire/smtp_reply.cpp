// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/smtp_reply.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::wire::smtp {
namespace {

constexpr std::size_t code_digits = 3;

Scan malformed(const char* why) {
    return {.status = Status::malformed, .reply = {}, .consumed = 0, .fault = why};
}

// Why no line of a reply begins so; null: one may.
const char* fault_of(std::string_view line, const Reply& before) {
    for (std::size_t i = 0; i < std::min(line.size(), code_digits); i++)
        if (!is_digit(line[i]) || (i == 0 && (line[i] < '2' || line[i] > '5')))
            return "a line does not begin with a reply code";
    if (line.size() >= code_digits && !before.lines.empty() &&
        line.substr(0, code_digits) != std::to_string(before.code))
        return "the reply code changes from line to line";
    if (line.size() > code_digits && line[code_digits] != ' ' && line[code_digits] != '-')
        return "neither a space nor a hyphen behind the reply code";
    if (line.size() > max_line) return "a line is too long";
    return nullptr;
}

std::string_view without_cr(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

} // namespace

std::string Reply::text() const {
    std::string all = std::to_string(code);
    for (const std::string& line : lines)
        all += " " + line;
    return printable(trim(all));
}

Scan scan(std::string_view octets) {
    Reply reply;
    std::string_view rest = octets;
    for (;;) {
        const std::size_t end = rest.find('\n');
        // Of a line that has not ended the CR may yet belong to its end.
        const std::string_view line = without_cr(rest.substr(0, end));
        if (const char* fault = fault_of(line, reply)) return malformed(fault);
        if (end == std::string_view::npos) return {};
        if (line.size() < code_digits) return malformed("a line does not begin with a reply code");
        if (reply.lines.size() == max_lines) return malformed("too many lines");
        reply.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        reply.lines.emplace_back(line.substr(std::min(line.size(), code_digits + 1)));
        rest.remove_prefix(end + 1);
        if (line.size() > code_digits && line[code_digits] == '-') continue;
        return {.status = Status::frame,
                .reply = std::move(reply),
                .consumed = octets.size() - rest.size(),
                .fault = ""};
    }
}

bool offers(const Reply& ehlo, std::string_view keyword) {
    return std::any_of(ehlo.lines.begin() + std::min<std::ptrdiff_t>(std::ssize(ehlo.lines), 1),
                       ehlo.lines.end(), [&](const std::string& line) {
                           return equals_ignoring_case(line.substr(0, line.find(' ')), keyword);
                       });
}

} // namespace postseal::wire::smtp
