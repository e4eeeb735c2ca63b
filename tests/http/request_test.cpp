// SPDX-License-Identifier: BSD-3-Clause
#include "http/request.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::http;

namespace {

std::string show(const Request& request) {
    return fmt::format("{} {} {} {}; ", request.method == Method::get ? "GET" : "HEAD",
                       request.path, request.host.value_or("-"),
                       request.keep_alive ? "keep" : "close");
}

// What is found when the stream arrives in two pieces.
std::string found(std::string_view stream, std::size_t cut) {
    std::string out;
    std::string buffer;
    for (const std::string_view piece : {stream.substr(0, cut), stream.substr(cut)}) {
        buffer += piece;
        for (;;) {
            const Scan scan = http::scan(buffer);
            if (scan.status == wire::Status::malformed) {
                CHECK(*scan.refusal.text != '\0');
                return out + fmt::format("{}", scan.refusal.status);
            }
            if (scan.status == wire::Status::incomplete) break;
            out += show(scan.request);
            buffer.erase(0, scan.consumed);
        }
    }
    return out + (buffer.empty() ? "." : "...");
}

std::string head_of(std::size_t octets) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    while (head.size() + 2 < octets) {
        const std::size_t left = octets - 2 - head.size();
        const std::size_t line = left > 1010 ? 1000 : left;
        head += "X: " + std::string(line - 5, 'x') + "\r\n";
    }
    return head + "\r\n";
}

} // namespace

TEST_CASE("http request: transcripts, cut at every octet") {
    for (const test::Row& row : test::read_table("http/request.table", 3)) {
        CAPTURE(row.line);
        for (std::size_t cut = 0; cut <= row.fields[0].size(); cut++) {
            CAPTURE(cut);
            REQUIRE(found(row.fields[0], cut) == row.fields[1]);
        }
    }
}

TEST_CASE("http request: a head has 16 KiB, its first line 4 KiB") {
    const std::string whole = head_of(max_request_head);
    REQUIRE(whole.size() == max_request_head);
    CHECK(scan(whole).status == wire::Status::frame);
    CHECK(scan(whole.substr(0, max_request_head - 1)).status == wire::Status::incomplete);
    CHECK(scan(head_of(max_request_head + 1)).refusal.status == 431);
    CHECK(scan(head_of(max_request_head + 1).substr(0, max_request_head)).refusal.status == 431);
    const auto with_path = [](std::size_t octets) {
        return fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", std::string(octets, 'p'));
    };
    CHECK(scan(with_path(4000)).status == wire::Status::frame);
    CHECK(scan(with_path(4097)).refusal.status == 414);
    CHECK(scan(std::string(4097, 'G')).refusal.status == 414);
    std::string nothing;
    while (nothing.size() < max_request_head)
        nothing += "\r\n";
    CHECK(scan(nothing).refusal.status == 400);
}

TEST_CASE("percent coding: what it means, and what is none") {
    CHECK(percent_decoded("example.com") == "example.com");
    CHECK(percent_decoded("%5Bmx.example%5d:587") == "[mx.example]:587");
    CHECK(percent_decoded("%00%ff") == std::string("\0\xff", 2));
    for (const char* bad : {"%", "%4", "%4g", "%+1", "a%zz"})
        CHECK_MESSAGE(!percent_decoded(bad), bad);
}
