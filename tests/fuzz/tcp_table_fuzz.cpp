// SPDX-License-Identifier: BSD-3-Clause
//
// The input is read as a client's stream, and written as a value and as a reason.
#include "postseal/wire/tcp_table.h"

#include "postseal/base/text.h"

#include "fuzz/stream.h"

#include <string>

namespace {

namespace tcp_table = postseal::wire::tcp_table;
using postseal::fuzz::check;

std::string show(std::string_view bytes, const tcp_table::Scan& scan) {
    check(scan.consumed <= tcp_table::max_line && bytes[scan.consumed - 1] == '\n');
    if (scan.verb == tcp_table::Verb::put) {
        check(bytes.starts_with("put "));
        return "put";
    }
    check("get " + std::string(scan.key) + "\n" == bytes.substr(0, scan.consumed));
    return "get " + tcp_table::decode(scan.key);
}

// What a Postfix makes of a line: the status, and the text decoded.
std::string text_of(const std::string& line, std::string_view status) {
    check(line.size() <= tcp_table::max_line && line.find('\n') == line.size() - 1);
    check(line.starts_with(status) && line[status.size()] == ' ');
    const auto coded = std::string_view(line).substr(4, line.size() - 5);
    check(postseal::fuzz::is_printable(coded) && coded.find(' ') == std::string_view::npos);
    return tcp_table::decode(coded);
}

void check_replies(std::string_view text) {
    const std::string ok = tcp_table::ok(text);
    if (ok.starts_with("400"))
        check(text_of(ok, "400").starts_with("the policy "));
    else
        check(text_of(ok, "200") == text);
    const std::string reason = text_of(tcp_table::temp(text), "400");
    check(reason == postseal::printable(text));
    check(text_of(tcp_table::not_found(text), "500") == reason);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    postseal::fuzz::check_splits(text, tcp_table::scan, show);
    check_replies(text);
    return 0;
}
