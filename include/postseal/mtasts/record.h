// mtasts/record.h: the _mta-sts TXT record (RFC 8461 section 3.1, errata 6253, 6285, 7282)
//
// The strings of one TXT RR are joined, RRs are not. Records that do not begin "v=STSv1;" are
// discarded before counting; exactly one must remain. Where none begins so, one with white space
// before the ";", which the published grammar has, counts. id: 1 to 32 letters and digits.
// The first value of a repeated key counts; unknown keys are ignored. What is ignored must fit the
// grammar all the same. Keys and version are case-sensitive.
// Errors: absent is "no MTA-STS"; the others are "no MTA-STS, and somebody meant to have it".
// A cached, unexpired policy stays in force whatever this says.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace postseal::mtasts {

enum class RecordFault { absent, several, bad_version, bad_field, no_id, bad_id };

struct RecordError {
    RecordFault fault;
    std::size_t at = 0; // octet of the text where the fault is, for `postseal lint record`
    std::string text;   // one clause for an operator, printable

    friend bool operator==(const RecordError&, const RecordError&) = default;
};

struct Record {
    std::string id;
    std::string note; // why another sender might not take it for a record; empty: no reason
    friend bool operator==(const Record&, const Record&) = default;
};

// "v=STSv1;" without white space before the ";" (erratum 6285): what every sender takes for one.
[[nodiscard]] bool begins_exactly(std::string_view text);

// One record's text.
[[nodiscard]] std::expected<Record, RecordError> parse_record(std::string_view text);

// All TXT RRs found at _mta-sts.DOMAIN, each with its strings joined. The text of `absent` shows
// the one that may have been meant for a record.
[[nodiscard]] std::expected<Record, RecordError> select_record(std::span<const std::string> texts);

// TXT RDATA in wire form (length-prefixed strings) to the joined text. What is malformed is a
// bad_field whose `at` is an octet of the RDATA; such an RR is as foreign as any other.
[[nodiscard]] std::expected<std::string, RecordError> join_strings(std::string_view rdata);

} // namespace postseal::mtasts
