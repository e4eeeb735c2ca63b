// SPDX-License-Identifier: BSD-3-Clause
//
// Input: two octets for the limit, then the stream.
#include "postseal/wire/netstring.h"

#include "fuzz/check.h"

#include <string>

namespace {

namespace netstring = postseal::wire::netstring;
using netstring::Status;
using postseal::fuzz::check;

// A whole frame is the canonical form of its payload, and inside the limit.
void check_frame(std::string_view bytes, const netstring::Scan& scan, std::size_t limit) {
    std::string again;
    netstring::append(again, scan.payload);
    check(again == bytes.substr(0, scan.consumed));
    check(scan.payload.size() <= limit);
    check(scan.payload.data() > bytes.data());
}

// However the stream was cut, the scan of a begin of it never contradicts the scan of the whole.
void check_beginnings(std::string_view bytes, const netstring::Scan& whole, std::size_t limit) {
    Status last = Status::incomplete;
    for (std::size_t size = 0; size <= bytes.size(); size++) {
        const auto scan = netstring::scan(bytes.substr(0, size), limit);
        if (last == Status::incomplete) last = scan.status;
        check(scan.status == last);
        if (scan.status == Status::incomplete) continue;
        check(scan.status == whole.status && scan.consumed == whole.consumed);
        check(scan.payload == whole.payload && std::string_view(scan.fault) == whole.fault);
    }
    check(last == whole.status);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t limit = data[0] * std::size_t{256} + data[1];
    auto stream = postseal::fuzz::as_text(data + 2, size - 2);
    for (;;) {
        const auto scan = netstring::scan(stream, limit);
        check_beginnings(stream, scan, limit);
        if (scan.status != Status::frame) return 0;
        check_frame(stream, scan, limit);
        stream.remove_prefix(scan.consumed);
    }
}
