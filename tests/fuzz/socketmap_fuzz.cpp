// SPDX-License-Identifier: BSD-3-Clause
//
// The input is read as a client's stream, and written as a value and as a reason.
#include "postseal/wire/socketmap.h"

#include "postseal/base/text.h"

#include "fuzz/stream.h"

#include <string>

namespace {

namespace netstring = postseal::wire::netstring;
namespace socketmap = postseal::wire::socketmap;
using postseal::fuzz::check;
using postseal::wire::Status;

void check_request(std::string_view bytes, const socketmap::Scan& scan) {
    const auto [map, key] = scan.request;
    check(!map.empty() && map.find(' ') == std::string_view::npos);
    std::string query = std::string(map) + " " + std::string(key);
    check(query.size() <= socketmap::max_query && query.find('\0') == std::string::npos);
    std::string again;
    netstring::append(again, query);
    check(again == bytes.substr(0, scan.consumed));
}

std::string show(std::string_view bytes, const socketmap::Scan& scan) {
    check_request(bytes, scan);
    return std::string(scan.request.map) + " " + std::string(scan.request.key);
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
    postseal::fuzz::check_splits(text, socketmap::scan, show);
    check_replies(text);
    return 0;
}
