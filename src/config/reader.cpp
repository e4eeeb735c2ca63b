// SPDX-License-Identifier: BSD-3-Clause
#include "config/reader.h"

#include "postseal/base/nearest.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace postseal::config {
namespace {

struct Amount {
    std::uint64_t number = 0;
    std::string_view unit;
};

std::optional<Amount> split_amount(std::string_view text) {
    Amount amount;
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), amount.number);
    if (fault != std::errc{}) return std::nullopt;
    amount.unit = text.substr(static_cast<std::size_t>(end - text.data()));
    return amount;
}

std::optional<std::uint64_t> times(std::uint64_t number, std::uint64_t unit) {
    if (number > std::numeric_limits<std::uint64_t>::max() / 4 / unit) return std::nullopt;
    return number * unit;
}

std::optional<milliseconds> to_duration(std::string_view text) {
    const auto amount = split_amount(text);
    if (!amount) return std::nullopt;
    std::uint64_t unit = 0;
    if (amount->unit == "ms") unit = 1;
    if (amount->unit == "s") unit = 1000;
    if (amount->unit == "m") unit = 60'000;
    if (amount->unit == "h") unit = 3'600'000;
    if (unit == 0) return std::nullopt;
    const auto count = times(amount->number, unit);
    if (!count) return std::nullopt;
    return milliseconds(static_cast<milliseconds::rep>(*count));
}

std::optional<std::size_t> to_size(std::string_view text) {
    const auto amount = split_amount(text);
    if (!amount) return std::nullopt;
    constexpr std::string_view units = "KMGT";
    if (amount->unit.size() > 1) return std::nullopt;
    std::uint64_t unit = 1;
    if (!amount->unit.empty()) {
        const auto at = units.find(amount->unit.front());
        if (at == std::string_view::npos) return std::nullopt;
        unit <<= 10 * (at + 1);
    }
    return times(amount->number, unit);
}

std::optional<std::int64_t> whole_number(const toml::node* node) {
    return node != nullptr ? node->value_exact<std::int64_t>() : std::nullopt;
}

// "[dns] or [https]": the tables that have this key; empty: none.
std::string tables_with(std::string_view key) {
    std::string out;
    for (const std::string& known : known_keys()) {
        const auto dot = known.rfind('.');
        if (known.substr(dot == std::string::npos ? 0 : dot + 1) != key) continue;
        const std::string table = dot == std::string::npos ? "" : known.substr(0, dot);
        const bool list = table == "listen" || table == "map";
        if (!out.empty()) out += " or ";
        out += table.empty() ? "no table: write it before the first [table]"
                             : (list ? fmt::format("[[{}]]", table) : fmt::format("[{}]", table));
    }
    return out;
}

std::string show(milliseconds value) {
    const auto count = value.count();
    if (count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
    if (count % 60'000 == 0) return fmt::format("{}m", count / 60'000);
    if (count % 1000 == 0) return fmt::format("{}s", count / 1000);
    return fmt::format("{}ms", count);
}

} // namespace

void Reading::fail(const toml::node* where, std::string key, std::string text) {
    const std::size_t line = where != nullptr ? where->source().begin.line : 0;
    const auto same = [&](const Error& error) { return error.line == line && error.key == key; };
    if (std::ranges::any_of(errors, same)) return;
    errors.push_back({file, line, std::move(key), std::move(text)});
}

Reader::Reader(Reading& reading, const toml::table* table, std::string prefix)
    : reading_(reading), table_(table), prefix_(std::move(prefix)) {}

std::string Reader::dotted(std::string_view key) const {
    return prefix_.empty() ? std::string(key) : prefix_ + "." + std::string(key);
}

void Reader::fail(const toml::node* where, std::string_view key, std::string text) {
    reading_.fail(where, dotted(key), std::move(text));
}

const toml::node* Reader::node(std::string_view key) const {
    const toml::node* found = table_ != nullptr ? table_->get(key) : nullptr;
    return found != nullptr ? found : table_;
}

const toml::node* Reader::take(std::string_view key) {
    keys_.emplace_back(key);
    reading_.known.push_back(dotted(key));
    if (table_ == nullptr) return nullptr;
    const toml::node* found = table_->get(key);
    reading_.lines[dotted(key)].push_back(found != nullptr ? found->source().begin.line : 0);
    return found;
}

std::optional<std::string> Reader::as_text(const toml::node* node, std::string_view key) {
    if (node == nullptr) return std::nullopt;
    auto value = node->value_exact<std::string>();
    if (!value) {
        const auto number = node->value_exact<std::int64_t>();
        fail(node, key,
             number ? fmt::format("write a string in quotes: \"{}\"", *number)
                    : std::string("write a string in quotes"));
        return std::nullopt;
    }
    if (value->find('\0') != std::string::npos) {
        fail(node, key, "has a NUL character");
        return std::nullopt;
    }
    return value;
}

void Reader::text(std::string_view key, std::string& out) {
    if (auto value = as_text(take(key), key)) out = std::move(*value);
}

void Reader::flag(std::string_view key, bool& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto value = node->value_exact<bool>())
        out = *value;
    else
        fail(node, key, "write true or false, without quotes");
}

void Reader::texts(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        fail(node, key, "write a list of strings: [\"...\", \"...\"]");
        return;
    }
    std::vector<std::string> values;
    for (const toml::node& entry : *array) {
        auto value = as_text(&entry, key);
        if (!value) return;
        values.push_back(std::move(*value));
    }
    out = std::move(values);
}

void Reader::number(std::string_view key, std::size_t& out, std::size_t least, std::size_t most) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 0 || std::cmp_less(*value, least) || std::cmp_greater(*value, most))
        fail(node, key,
             fmt::format("write a whole number from {} to {}, without quotes", least, most));
    else
        out = static_cast<std::size_t>(*value);
}

bool Reader::duration(std::string_view key, milliseconds& out, milliseconds least,
                      milliseconds most) {
    const toml::node* node = take(key);
    if (const auto number = whole_number(node)) {
        fail(node, key, fmt::format("{} has no unit: write \"{}s\"", *number, *number));
        return false;
    }
    const auto value = as_text(node, key);
    if (!value) return false;
    if (!value->empty() && std::ranges::all_of(*value, is_digit)) {
        fail(node, key, fmt::format("\"{0}\" has no unit: write \"{0}s\"", *value));
        return false;
    }
    const auto span = to_duration(*value);
    if (span && *span >= least && *span <= most) {
        out = *span;
        return true;
    }
    fail(node, key,
         fmt::format("\"{}\" is not a valid duration from {} to {}: write \"250ms\", \"8s\", "
                     "\"2m\" or \"1h\"",
                     *value, show(least), show(most)));
    return false;
}

void Reader::size(std::string_view key, std::size_t& out, std::size_t least) {
    const toml::node* node = take(key);
    if (const auto number = whole_number(node)) {
        fail(node, key,
             fmt::format("write a string in quotes: \"{}\" are bytes, \"{}M\" is with "
                         "a unit",
                         *number, *number));
        return;
    }
    const auto value = as_text(node, key);
    if (!value) return;
    const auto octets = to_size(*value);
    if (!octets || *octets < least)
        fail(node, key,
             fmt::format(
                 "\"{}\" is not a size of at least {} octets: write \"64K\", \"256M\" or \"1G\"",
                 *value, least));
    else
        out = *octets;
}

const toml::table* Reader::table(std::string_view key) {
    const toml::node* node = take(key);
    reading_.known.pop_back(); // its keys are listed, not the table
    if (node == nullptr) return nullptr;
    if (!node->is_table()) fail(node, key, fmt::format("is a table: write [{}]", dotted(key)));
    return node->as_table();
}

std::vector<const toml::table*> Reader::tables(std::string_view key) {
    const toml::node* node = take(key);
    reading_.known.pop_back();
    std::vector<const toml::table*> result;
    if (node == nullptr) return result;
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous<toml::table>()) {
        fail(node, key, fmt::format("is a list of tables: write [[{}]]", dotted(key)));
        return result;
    }
    for (const toml::node& entry : *array)
        result.push_back(entry.as_table());
    return result;
}

void Reader::finish() {
    if (table_ == nullptr) return;
    for (const auto& [key, value] : *table_) {
        if (std::ranges::find(keys_, key.str()) != keys_.end()) continue;
        if (const std::string elsewhere = tables_with(key.str()); !elsewhere.empty()) {
            reading_.fail(&value, dotted(key.str()),
                          fmt::format("unknown key here: {} belongs {}{}", key.str(),
                                      elsewhere.starts_with('[') ? "below " : "in ", elsewhere));
            continue;
        }
        const auto meant = nearest(key.str(), keys_);
        reading_.fail(&value, dotted(key.str()),
                      meant ? fmt::format("unknown key; did you mean \"{}\"?", *meant)
                            : fmt::format("unknown key; known here: {}", fmt::join(keys_, ", ")));
    }
}

} // namespace postseal::config
