// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/record.h"

#include "field_name.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::mtasts {
namespace {

// The grammar lets white space stand before any ";". The prose of section 3.1 discards records that
// do not begin with exactly "v=STSv1;", to choose among several; erratum 6285 found the two at
// odds. So a record with white space before its first ";" is a record, unless there is one without.
constexpr std::string_view version = "v=STSv1";
constexpr std::size_t max_id = 32;

std::unexpected<RecordError> fail(RecordFault fault, std::size_t at, std::string text) {
    return std::unexpected(RecordError{.fault = fault, .at = at, .text = std::move(text)});
}

std::size_t skip_wsp(std::string_view text, std::size_t at) {
    while (at < text.size() && is_wsp(text[at]))
        at++;
    return at;
}

// sts-ext-value: visible ASCII but "=" and ";".
bool in_value(char c) { return c > ' ' && c <= '~' && c != '=' && c != ';'; }

// Past "v=STSv1", white space and ";"; nothing: the text does not begin so.
std::optional<std::size_t> after_opening(std::string_view text) {
    if (!text.starts_with(version)) return std::nullopt;
    const auto at = skip_wsp(text, version.size());
    if (at == text.size() || text[at] != ';') return std::nullopt;
    return at + 1;
}

struct Field {
    std::string_view name;
    std::string_view value;
    std::size_t value_at = 0; // octet of the record's text
};

std::expected<Field, RecordError> split_field(std::string_view text, std::size_t at) {
    if (text.empty()) return fail(RecordFault::bad_field, at, "empty field");
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return fail(RecordFault::bad_field, at, fmt::format("{} has no \"=\"", in_quotes(text)));
    const auto name = text.substr(0, equals);
    if (!is_field_name(name))
        return fail(RecordFault::bad_field, at,
                    fmt::format("{} is not a field name", in_quotes(name)));
    return Field{.name = name, .value = text.substr(equals + 1), .value_at = at + equals + 1};
}

std::expected<void, RecordError> check_value(const Field& field) {
    if (field.value.empty())
        return fail(RecordFault::bad_field, field.value_at,
                    fmt::format("{} has no value", in_quotes(field.name)));
    const auto bad = std::ranges::find_if_not(field.value, in_value);
    if (bad == field.value.end()) return {};
    const auto offset = static_cast<std::size_t>(bad - field.value.begin());
    return fail(RecordFault::bad_field, field.value_at + offset,
                fmt::format("{} may not stand in the value of {}",
                            in_quotes(field.value.substr(offset, 1)), in_quotes(field.name)));
}

std::expected<void, RecordError> check_id(const Field& field) {
    if (field.value.empty()) return fail(RecordFault::bad_id, field.value_at, "id is empty");
    const auto bad = std::ranges::find_if_not(field.value, is_alphanumeric);
    if (bad != field.value.end()) {
        const auto offset = static_cast<std::size_t>(bad - field.value.begin());
        return fail(RecordFault::bad_id, field.value_at + offset,
                    fmt::format("{} in id is not a letter or digit",
                                in_quotes(field.value.substr(offset, 1))));
    }
    if (field.value.size() > max_id)
        return fail(RecordFault::bad_id, field.value_at + max_id,
                    fmt::format("id is {} characters long, at most {} are allowed",
                                field.value.size(), max_id));
    return {};
}

// What somebody may have meant as the record: the nearest to one, so the first that says STS at
// all.
std::string why_absent(std::span<const std::string> texts) {
    if (texts.empty()) return "no TXT record";
    const auto says_sts = [](const std::string& text) { return lower_ascii(text).contains("sts"); };
    const auto found = std::ranges::find_if(texts, says_sts);
    const std::string& shown = found == texts.end() ? texts.front() : *found;
    return fmt::format("{} does not begin \"v=STSv1;\"{}", in_quotes(shown),
                       texts.size() > 1 ? fmt::format(", nor do {} more", texts.size() - 1) : "");
}

} // namespace

bool begins_exactly(std::string_view text) {
    return text.starts_with(version) && text.substr(version.size()).starts_with(';');
}

std::expected<Record, RecordError> parse_record(std::string_view text) {
    const auto begin = after_opening(text);
    if (!begin) {
        constexpr std::string_view opening = "v=STSv1;";
        const auto differs = std::ranges::mismatch(text, opening).in1;
        return fail(RecordFault::bad_version, static_cast<std::size_t>(differs - text.begin()),
                    "does not begin \"v=STSv1;\"");
    }
    std::optional<Record> record;
    for (auto at = skip_wsp(text, *begin); at < text.size();) {
        const auto end = std::min(text.find(';', at), text.size());
        auto piece = text.substr(at, end - at);
        // White space belongs to the ";" that follows it; at the very end there is none.
        while (end < text.size() && !piece.empty() && is_wsp(piece.back()))
            piece.remove_suffix(1);
        const auto field = split_field(piece, at);
        if (!field) return std::unexpected(field.error());
        // Only the first id is one (section 3.2, last paragraph); the rest need but fit the
        // grammar.
        const bool is_id = field->name == "id" && !record;
        if (const auto checked = is_id ? check_id(*field) : check_value(*field); !checked)
            return std::unexpected(checked.error());
        if (is_id) record = Record{.id = std::string(field->value), .note = {}};
        at = end < text.size() ? skip_wsp(text, end + 1) : end;
    }
    if (!record) return fail(RecordFault::no_id, text.size(), "has no id");
    if (!begins_exactly(text))
        record->note =
            "white space before the first \";\": senders that read RFC 8461 section 3.1 to "
            "the letter see no record; write \"v=STSv1;\"";
    return *std::move(record);
}

std::expected<Record, RecordError> select_record(std::span<const std::string> texts) {
    const auto is_record = [](const std::string& text) { return after_opening(text).has_value(); };
    const auto is_exact = [](const std::string& text) { return begins_exactly(text); };
    const auto exact = std::ranges::count_if(texts, is_exact);
    const auto count = exact > 0 ? exact : std::ranges::count_if(texts, is_record);
    if (count == 0) return fail(RecordFault::absent, 0, why_absent(texts));
    const std::string& text = exact > 0 ? *std::ranges::find_if(texts, is_exact)
                                        : *std::ranges::find_if(texts, is_record);
    if (count > 1)
        return fail(RecordFault::several, 0,
                    fmt::format("{} TXT records that begin \"v=STSv1;\", the first is {}", count,
                                in_quotes(text)));
    auto record = parse_record(text);
    if (!record) record.error().text = complaint(text, record.error().text);
    return record;
}

std::expected<std::string, RecordError> join_strings(std::string_view rdata) {
    // RFC 1035 section 3.3.14: one or more character-strings.
    if (rdata.empty()) return fail(RecordFault::bad_field, 0, "TXT RDATA is empty");
    std::string text;
    for (std::size_t at = 0; at < rdata.size();) {
        const std::size_t length = static_cast<unsigned char>(rdata[at]);
        if (rdata.size() - at - 1 < length)
            return fail(RecordFault::bad_field, at, "a string of the TXT RDATA passes its end");
        text += rdata.substr(at + 1, length);
        at += 1 + length;
    }
    return text;
}

} // namespace postseal::mtasts
