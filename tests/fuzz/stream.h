// fuzz/stream.h: a stream gives the same requests, and the same fault, however it is cut
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include "fuzz/check.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace postseal::fuzz {

// The stream is taken `step` octets at a time; `show(bytes, scan)` says what a request is. The
// requests are logged up to the first fault.
template <typename Scan, typename Show>
std::string read_in_steps(std::string_view stream, std::size_t step, Scan scan, Show show) {
    std::string log;
    std::string buffer;
    while (!stream.empty()) {
        buffer += stream.substr(0, step);
        stream.remove_prefix(std::min(step, stream.size()));
        for (;;) {
            const auto found = scan(std::string_view(buffer));
            if (found.status == wire::Status::malformed) return log + "! " + found.fault;
            if (found.status == wire::Status::incomplete) break;
            check(found.consumed > 0 && found.consumed <= buffer.size());
            log += show(std::string_view(buffer), found) + "\n";
            buffer.erase(0, found.consumed);
        }
    }
    return log + "+" + buffer;
}

template <typename Scan, typename Show>
void check_splits(std::string_view stream, Scan scan, Show show) {
    const std::string whole = read_in_steps(stream, stream.size() + 1, scan, show);
    for (const std::size_t step : {1, 2, 3, 7})
        check(read_in_steps(stream, step, scan, show) == whole);
}

} // namespace postseal::fuzz
