// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/socketmap.h"

#include "value.h"

#include "postseal/base/text.h"

namespace postseal::wire::socketmap {
namespace {

constexpr std::size_t max_reason = 200;

Scan malformed(const char* why) {
    return {.status = netstring::Status::malformed, .request = {}, .consumed = 0, .fault = why};
}

// `verb` with its space.
std::string reply(std::string_view verb, std::string_view text) {
    std::string payload;
    payload.reserve(verb.size() + text.size());
    payload.append(verb).append(text);
    std::string out;
    out.reserve(payload.size() + 8);
    netstring::append(out, payload);
    return out;
}

} // namespace

Scan scan(std::string_view bytes) {
    const netstring::Scan frame = netstring::scan(bytes, max_query);
    if (frame.status == netstring::Status::incomplete) return {};
    if (frame.status == netstring::Status::malformed) return malformed(frame.fault);
    const std::string_view query = frame.payload;
    const auto space = query.find(' ');
    if (space == std::string_view::npos) return malformed("no space behind the map name");
    if (space == 0) return malformed("an empty map name");
    if (query.find('\0') != std::string_view::npos) return malformed("a NUL in the query");
    return {.status = netstring::Status::frame,
            .request = {.map = query.substr(0, space), .key = query.substr(space + 1)},
            .consumed = frame.consumed,
            .fault = ""};
}

std::string ok(std::string_view value) {
    constexpr std::string_view verb = "OK ";
    if (value.size() > max_reply - verb.size()) return temp("the policy is over 100000 octets");
    if (const char* why = unfit(value)) return temp(why);
    return reply(verb, value);
}

std::string not_found() { return reply("NOTFOUND ", {}); }

std::string temp(std::string_view reason) { return reply("TEMP ", printable(reason, max_reason)); }

std::string perm(std::string_view reason) { return reply("PERM ", printable(reason, max_reason)); }

} // namespace postseal::wire::socketmap
