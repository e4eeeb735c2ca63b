// wire/stream.h: what a decoder makes of a stream, however the stream is cut
//
// feed() plays a connection: it appends what arrives, scans until nothing more is whole, and stops
// at the first fault, as a server closes the connection.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::wire {

struct Outcome {
    std::vector<std::string> frames;
    std::string end;      // "done", "incomplete", or the fault
    std::size_t sure = 0; // octets that had arrived when the fault was said

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

// `scan(bytes)` gives status, consumed and fault; `show(scan)` what a frame holds. The stream
// arrives in pieces that end at the offsets in `cuts` (rising) and at its end.
template <typename Scan, typename Show>
Outcome feed(std::string_view stream, const std::vector<std::size_t>& cuts, Scan scan, Show show) {
    Outcome out;
    std::string buffer;
    std::size_t arrived = 0;
    for (std::size_t piece = 0; piece <= cuts.size(); piece++) {
        const std::size_t end = piece < cuts.size() ? cuts[piece] : stream.size();
        buffer += stream.substr(arrived, end - arrived);
        arrived = end;
        for (;;) {
            const auto found = scan(std::string_view(buffer));
            if (found.status == Status::incomplete) break;
            if (found.status == Status::malformed) {
                out.end = found.fault;
                out.sure = arrived;
                return out;
            }
            if (found.consumed == 0 || found.consumed > buffer.size())
                throw std::logic_error("a frame that takes nothing, or more than there is");
            out.frames.push_back(show(found));
            buffer.erase(0, found.consumed);
        }
    }
    out.end = buffer.empty() ? "done" : "incomplete";
    return out;
}

// In a table {N*c} stands for N times the octet c.
inline std::string expand(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto open = std::min(text.find('{'), text.size());
        out += text.substr(0, open);
        text.remove_prefix(open);
        if (text.empty()) break;
        std::size_t count = 0;
        const auto star = std::from_chars(text.data() + 1, text.data() + text.size(), count).ptr;
        const auto at = static_cast<std::size_t>(star - text.data());
        if (at + 2 >= text.size() || text[at] != '*' || text[at + 2] != '}')
            throw std::runtime_error("bad repetition in a table");
        out.append(count, text[at + 1]);
        text.remove_prefix(at + 3);
    }
    return out;
}

inline std::string joined(const std::vector<std::string>& frames) {
    std::string out;
    for (const auto& frame : frames)
        out += "<" + frame + ">";
    return out;
}

struct Case {
    std::size_t line = 0;
    std::string stream;
    std::string frames; // each as <what it holds>
    std::string end;
    std::string sure;
};

// A table of stream, frames, end, octets when the fault was said, and reason.
inline std::vector<Case> stream_cases(const std::string& table) {
    std::vector<Case> out;
    for (const auto& row : test::read_table(table, 5))
        out.push_back({.line = row.line,
                       .stream = expand(row.fields[0]),
                       .frames = expand(row.fields[1]),
                       .end = row.fields[2],
                       .sure = row.fields[3]});
    return out;
}

// Each stream whole, cut at every octet boundary, and octet by octet.
template <typename Scan, typename Show>
void check_streams(const std::string& table, Scan scan, Show show) {
    for (const auto& c : stream_cases(table)) {
        CAPTURE(c.line);
        for (std::size_t cut = 0; cut <= c.stream.size(); cut++) {
            const Outcome out = feed(c.stream, {cut}, scan, show);
            CAPTURE(cut); // 0: whole
            REQUIRE(joined(out.frames) == c.frames);
            REQUIRE(out.end == c.end);
        }
        std::vector<std::size_t> cuts(c.stream.size());
        std::iota(cuts.begin(), cuts.end(), std::size_t{1});
        const Outcome out = feed(c.stream, cuts, scan, show);
        CHECK(joined(out.frames) == c.frames);
        CHECK(out.end == c.end);
        CHECK((out.sure == 0 ? "-" : std::to_string(out.sure)) == c.sure);
    }
}

} // namespace postseal::wire
