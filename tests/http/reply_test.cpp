// SPDX-License-Identifier: BSD-3-Clause
#include "http/reply.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::http;

namespace {

constexpr WallTime example{milliseconds(784'111'777'500)}; // RFC 9110 section 5.6.7

} // namespace

TEST_CASE("http reply: octet by octet") {
    const std::string head = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Length: 3\r\n"
                             "Cache-Control: no-store\r\n"
                             "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; "
                             "base-uri 'none'; form-action 'none'\r\n"
                             "X-Content-Type-Options: nosniff\r\n"
                             "Referrer-Policy: no-referrer\r\n"
                             "Cross-Origin-Resource-Policy: same-origin\r\n";
    CHECK(to_wire({.body = "ok\n"}, {.keep_alive = true}, example) ==
          "HTTP/1.1 200 OK\r\n" + head + "\r\nok\n");
    CHECK(to_wire({.body = "ok\n"}, {.method = Method::head}, example) ==
          "HTTP/1.1 200 OK\r\n" + head + "Connection: close\r\n\r\n");
    CHECK(to_wire({.status = 405, .body = "no\n"}, {}, example) ==
          "HTTP/1.1 405 Method Not Allowed\r\n" + head +
              "Allow: GET, HEAD\r\nConnection: close\r\n\r\nno\n");
}

TEST_CASE("http date: days and months") {
    CHECK(date(WallTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(date(WallTime{milliseconds(951'782'399'999)}) == "Mon, 28 Feb 2000 23:59:59 GMT");
    CHECK(date(WallTime{milliseconds(4'102'444'800'000)}) == "Fri, 01 Jan 2100 00:00:00 GMT");
}
