// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as the text and as the RDATA of a TXT record.
#include "postseal/mtasts/record.h"

#include "fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace {

using postseal::fuzz::check;
using postseal::fuzz::is_printable;
using namespace postseal::mtasts;

bool alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string to_rdata(std::string_view text) {
    std::string rdata;
    do {
        const auto piece = text.substr(0, 255);
        rdata += static_cast<char>(piece.size());
        rdata += piece;
        text.remove_prefix(piece.size());
    } while (!text.empty());
    return rdata;
}

// Past "v=STSv1", white space and ";"; npos: the text does not begin so.
std::size_t after_opening(const std::string& text) {
    constexpr std::string_view version = "v=STSv1";
    const auto end = text.find_first_not_of(" \t", version.size());
    const bool begins = text.starts_with(version) && end != std::string::npos && text[end] == ';';
    return begins ? end + 1 : std::string::npos;
}

void check_text(const std::string& text) {
    const auto record = parse_record(text);
    const auto selected = select_record(std::vector{std::string("v=spf1 -all"), text});
    const auto opening = after_opening(text);
    if (opening == std::string::npos) {
        check(!record && record.error().fault == RecordFault::bad_version);
        check(!selected && selected.error().fault == RecordFault::absent);
        check(is_printable(selected.error().text));
        return;
    }
    check(record.has_value() == selected.has_value());
    check(select_record(std::vector{text, text}).error().fault == RecordFault::several);
    if (!record) {
        check(record.error().at <= text.size());
        check(!record.error().text.empty() && is_printable(record.error().text));
        return;
    }
    check(!record->id.empty() && record->id.size() <= 32);
    check(std::ranges::all_of(record->id, alphanumeric));
    check(is_printable(text) || text.contains('\t')); // a record is US-ASCII without controls
    check(record->note.empty() == begins_exactly(text));
    check(parse_record("v=STSv1;id=" + record->id)->id == record->id);
    // One without white space before its first ";" is preferred.
    if (!begins_exactly(text))
        check(select_record(std::vector{text, std::string("v=STSv1; id=exact")})->id == "exact");
    // An id in front takes over, one behind is ignored.
    check(parse_record("v=STSv1; id=first; " + text.substr(opening))->id == "first");
    check(parse_record(text + (text.find_last_of(';') > text.find_last_of('=') ? "" : ";") +
                       "id=last") == *record);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string octets(postseal::fuzz::as_text(data, size));
    check_text(octets);
    check_text("v=STSv1;" + octets); // so that the fields get their share
    check(join_strings(to_rdata(octets)) == octets);
    if (const auto joined = join_strings(octets))
        check(joined->size() < octets.size());
    else
        check(joined.error().at <= octets.size());
    return 0;
}
