// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/time.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace std::chrono_literals;

namespace {

std::string until(const char* text) {
    const auto time = parse_until(text);
    return time ? rfc3339(*time) : "-";
}

} // namespace

TEST_CASE("until a day means to its end, until a time to that second") {
    CHECK(until("2027-01-31") == "2027-02-01T00:00:00Z");
    CHECK(until("2028-02-29") == "2028-03-01T00:00:00Z");
    CHECK(until("1969-12-31") == "1970-01-01T00:00:00Z");
    CHECK(until("2027-01-31T12:30Z") == "2027-01-31T12:30:00Z");
    CHECK(until("2027-01-31T23:59:59Z") == "2027-01-31T23:59:59Z");
}

TEST_CASE("years that nanoseconds since 1970 do not reach") {
    for (const auto* text : {"0001-01-01T00:00:00Z", "1013-01-20T11:00:01Z", "1969-12-31T23:59:59Z",
                             "2262-04-12T00:00:00Z", "9999-12-31T23:59:59Z"})
        CHECK(until(text) == text);
    CHECK(until("9999-12-30") == "9999-12-31T00:00:00Z");
}

TEST_CASE("what is not a day and no time") {
    for (const auto* text : {"",
                             "2027",
                             "2027-1-31",
                             "2027-02-29",
                             "2027-13-01",
                             "2027-00-10",
                             "2027-01-32",
                             "27-01-31",
                             "2027-01-31 ",
                             "2027-01-31T",
                             "2027-01-31T12Z",
                             "2027-01-31T24:00Z",
                             "2027-01-31T12:60Z",
                             "2027-01-31T12:00:60Z",
                             "2027-01-31T12:00",
                             "2027-01-31T12:00z",
                             "2027-01-31T12:00+01:00",
                             "2027-01-31T12:00ZZ",
                             "+027-01-31",
                             "2027/01/31"}) {
        CAPTURE(text);
        CHECK(until(text) == "-");
    }
}

TEST_CASE("spans as an operator writes them") {
    CHECK(parse_span("1s") == 1s);
    CHECK(parse_span("90m") == 90min);
    CHECK(parse_span("36h") == 36h);
    CHECK(parse_span("400d") == 400 * 24h);
    for (const auto* text : {"", "d", "7", "0d", "-1d", "7 d", "7dd", "1.5h", "7w", "99999999999d",
                             "9999d", "99999999999999999999s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_span(text));
    }
}

TEST_CASE("spans as an operator reads them: the two largest units") {
    CHECK(span_text(0ms) == "0s");
    CHECK(span_text(999ms) == "0s");
    CHECK(span_text(-5s) == "0s");
    CHECK(span_text(59s) == "59s");
    CHECK(span_text(60s) == "1m");
    CHECK(span_text(61s) == "1m 1s");
    CHECK(span_text(1h + 5s) == "1h");
    CHECK(span_text(23h + 59min + 59s) == "23h 59m");
    CHECK(span_text(6 * 24h + 3h + 59min) == "6d 3h");
    CHECK(span_text(400 * 24h) == "400d");
}

TEST_CASE("limits, exactly") {
    CHECK(limit_text(30s) == "30 s");
    CHECK(limit_text(1500ms) == "1500 ms");
    CHECK(limit_text(0ms) == "0 s");
}
