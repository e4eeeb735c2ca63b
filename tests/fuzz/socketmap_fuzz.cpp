// SPDX-License-Identifier: BSD-3-Clause
//
// The input is read as a client's stream, and written as a value and as a reason.
#include "postseal/wire/socketmap.h"

#include "postseal/base/text.h"

#include "fuzz/check.h"

#include <string>

namespace {

namespace netstring = postseal::wire::netstring;
namespace socketmap = postseal::wire::socketmap;
using netstring::Status;
using postseal::fuzz::check;

void check_request(std::string_view bytes, const socketmap::Scan& scan) {
    const auto [map, key] = scan.request;
    check(!map.empty() && map.find(' ') == std::string_view::npos);
    std::string query = std::string(map) + " " + std::string(key);
    check(query.size() <= socketmap::max_query && query.find('\0') == std::string::npos);
    std::string again;
    netstring::append(again, query);
    check(again == bytes.substr(0, scan.consumed));
}

// The stream is taken `step` octets at a time; the requests are counted up to the first fault.
std::string read(std::string_view stream, std::size_t step) {
    std::string log;
    std::string buffer;
    while (!stream.empty()) {
        buffer += stream.substr(0, step);
        stream.remove_prefix(std::min(step, stream.size()));
        for (;;) {
            const auto scan = socketmap::scan(buffer);
            if (scan.status == Status::malformed) return log + "! " + scan.fault;
            if (scan.status == Status::incomplete) break;
            check_request(buffer, scan);
            log.append(scan.request.map).append(" ").append(scan.request.key).append("\n");
            buffer.erase(0, scan.consumed);
        }
    }
    return log + "+" + buffer;
}

// One netstring that Postfix reads as it was meant: its verb, and nothing that it would refuse.
std::string_view payload_of(const std::string& reply) {
    const auto scan = netstring::scan(reply, socketmap::max_reply);
    check(scan.status == Status::frame && scan.consumed == reply.size());
    check(scan.payload.find('\0') == std::string_view::npos);
    check(postseal::valid_utf8(scan.payload));
    return scan.payload;
}

void check_replies(std::string_view text) {
    const std::string ok = socketmap::ok(text);
    const auto value = payload_of(ok);
    check(value.starts_with("TEMP the policy ") || value == "OK " + std::string(text));
    check(!text.empty() || value.starts_with("TEMP "));
    const std::string temp = socketmap::temp(text);
    const auto reason = payload_of(temp);
    check(reason.starts_with("TEMP ") && reason.size() <= 205);
    check(postseal::fuzz::is_printable(reason));
    check("PERM " + std::string(reason.substr(5)) == payload_of(socketmap::perm(text)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    const std::string whole = read(text, size + 1);
    for (const std::size_t step : {1, 2, 3, 7})
        check(read(text, step) == whole);
    check_replies(text);
    return 0;
}
