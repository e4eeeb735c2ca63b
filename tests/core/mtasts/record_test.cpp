// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/record.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace postseal::mtasts {
namespace {

std::string name(RecordFault fault) {
    switch (fault) {
    case RecordFault::absent:
        return "absent";
    case RecordFault::several:
        return "several";
    case RecordFault::bad_version:
        return "bad_version";
    case RecordFault::bad_field:
        return "bad_field";
    case RecordFault::no_id:
        return "no_id";
    case RecordFault::bad_id:
        return "bad_id";
    }
    return "?";
}

// As the table writes it: "id X", or the fault and its octet.
std::string shown(const std::expected<Record, RecordError>& record) {
    if (record) return "id " + record->id;
    return fmt::format("{}@{}", name(record.error().fault), record.error().at);
}

std::string selected(const std::vector<std::string>& texts) { return shown(select_record(texts)); }

} // namespace

TEST_CASE("every text of record.table is the record or the fault it should be") {
    const auto rows = test::read_table("mtasts/record.table", 4);
    CHECK(rows.size() >= 45);
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CAPTURE(row.fields[3]);
        const auto record = parse_record(row.fields[0]);
        CHECK(shown(record) == row.fields[1]);
        if (!record) {
            CHECK(record.error().at <= row.fields[0].size());
            CHECK_FALSE(record.error().text.empty());
        }
    }
}

TEST_CASE("a fault's text is printable, whatever the record holds") {
    for (int octet = 0; octet < 256; octet++) {
        CAPTURE(octet);
        const auto record = parse_record("v=STSv1; id=" + std::string(1, static_cast<char>(octet)));
        if (record) continue;
        for (const char c : record.error().text)
            CHECK((c >= ' ' && c <= '~'));
    }
}

TEST_CASE("exactly one record must remain (RFC 8461 section 3.1)") {
    const std::string ours = "v=STSv1; id=1;";
    CHECK(selected({}) == "absent@0");
    CHECK(selected({"v=spf1 -all", "", "v=TLSRPTv1; rua=mailto:a@example.com"}) == "absent@0");
    CHECK(selected({ours}) == "id 1");
    CHECK(selected({"v=spf1 -all", ours, "v=STSv2; id=9;"}) == "id 1");
    // Two are two, alike or not, and even when only one of them would parse.
    CHECK(selected({ours, ours}) == "several@0");
    CHECK(selected({ours, "v=STSv1; id=2;"}) == "several@0");
    CHECK(selected({"v=STSv1;", ours}) == "several@0");
    // What does not begin exactly "v=STSv1;" is discarded before counting.
    CHECK(selected({"v=STSv1 ; id=2;", ours}) == "id 1");
    CHECK(selected({" v=STSv1; id=2;", ours}) == "id 1");
    CHECK(selected({"V=STSv1; id=2;", ours}) == "id 1");
    CHECK(selected({"v=STSv1", ours}) == "id 1");
    CHECK(selected({"V=STSv1; id=2;"}) == "absent@0");
    // Where none begins so, white space before the first ";" is as good.
    CHECK(selected({"v=STSv1 ; id=2;"}) == "id 2");
    CHECK(selected({"v=STSv1 ; id=2;", "v=spf1 -all"}) == "id 2");
    CHECK(selected({"v=STSv1 ; id=2;", "v=STSv1\t; id=3;"}) == "several@0");
    CHECK(selected({"v=STSv1 ; id=;"}) == "bad_id@13");
    // The one that remains still has to parse.
    CHECK(selected({"v=spf1 -all", "v=STSv1; id=;"}) == "bad_id@12");
}

TEST_CASE("white space before the first semicolon is noted, and no other record is") {
    CHECK_FALSE(parse_record("v=STSv1 ; id=2;")->note.empty());
    CHECK(parse_record("v=STSv1; id=2 ;")->note.empty());
    CHECK(begins_exactly("v=STSv1;"));
    CHECK_FALSE(begins_exactly("v=STSv1 ;"));
    CHECK_FALSE(begins_exactly("v=STSv1"));
}

TEST_CASE("where no record is, what may have been meant for one is shown") {
    const auto text = [](const std::vector<std::string>& texts) {
        return select_record(texts).error().text;
    };
    CHECK(text({}) == "no TXT record");
    CHECK(text({"v=spf1 -all", "V=STSv1; id=2;"}) ==
          "\"V=STSv1; id=2;\" does not begin \"v=STSv1;\", nor do 1 more");
    CHECK(text({"v=spf1 -all"}) == "\"v=spf1 -all\" does not begin \"v=STSv1;\"");
    CHECK(text({"a\nb"}) == "\"a?b\" does not begin \"v=STSv1;\"");
}

TEST_CASE("a record that is not valid is shown with its fault") {
    const auto text = [](const std::vector<std::string>& texts) {
        return select_record(texts).error().text;
    };
    CHECK(text({"v=STSv1;"}) == "\"v=STSv1;\": has no id");
    CHECK(text({"v=spf1 -all", "v=STSv1; id=a-b;"}) ==
          "\"v=STSv1; id=a-b;\": \"-\" in id is not a letter or digit");
    CHECK(text({"v=STSv1; id=1;", "v=STSv1; id=2;"}) ==
          "2 TXT records that begin \"v=STSv1;\", the first is \"v=STSv1; id=1;\"");
}

TEST_CASE("the strings of one TXT record are joined without a space") {
    using namespace std::string_literals;
    CHECK(join_strings("\x08v=STSv1;\x06 id=1;"s) == "v=STSv1; id=1;");
    CHECK(join_strings("\x03v=S\x00\x0aTSv1; id=1"s
                       "\x01;"s) == "v=STSv1; id=1;");
    CHECK(join_strings("\0"s) == "");
    CHECK(join_strings("\x02\0\xff"s) == "\0\xff"s);
    CHECK(join_strings("\xff"s + std::string(255, 'a') + "\xff"s + std::string(255, 'b')) ==
          std::string(255, 'a') + std::string(255, 'b'));
}

TEST_CASE("TXT RDATA whose lengths do not add up is an error that names the octet") {
    using namespace std::string_literals;
    const auto at = [](const std::string& rdata) {
        const auto joined = join_strings(rdata);
        REQUIRE_FALSE(joined.has_value());
        CHECK(joined.error().fault == RecordFault::bad_field);
        return joined.error().at;
    };
    CHECK(at(""s) == 0);
    CHECK(at("\x01"s) == 0);
    CHECK(at("\x05v=ST"s) == 0);
    CHECK(at("\x02v=\x04STS"s) == 3);
    CHECK(at("\x02v=\xff"s) == 3);
    CHECK(at("\xff"s + std::string(254, 'a')) == 0);
}

} // namespace postseal::mtasts
