// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace postseal::fleet {

Interrupt::Interrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}
Interrupt::~Interrupt() { ::close(fd_); }
void Interrupt::raise() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

Param Param::of(std::string_view text) {
    // What the server's text cannot hold: no octet 0, UTF-8 only.
    return {.type = Type::text, .value = printable(text, 2000)};
}
Param Param::of(std::int64_t number) {
    return {.type = Type::number, .value = fmt::format("{}", number)};
}
Param Param::of(WallTime time) { return of(std::int64_t{time.time_since_epoch().count()}); }
Param Param::of(std::optional<WallTime> time) { return of(time.value_or(WallTime{})); }
Param Param::flag(bool value) { return {.type = Type::boolean, .value = value ? "t" : "f"}; }
Param Param::octets(std::string_view value) {
    return {.type = Type::octets, .value = std::string(value)};
}

Param Param::list(const std::vector<std::string>& texts) {
    std::string out = "{";
    for (const std::string& text : texts) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return {.type = Type::texts, .value = out + "}"};
}

} // namespace postseal::fleet
