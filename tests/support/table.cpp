// SPDX-License-Identifier: BSD-3-Clause
#include "support/table.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace postseal::test {
namespace {

std::string unescape(std::string_view text, std::size_t line) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char c = ++i < text.size() ? text[i] : '?';
        switch (c) {
        case 'n':
            out += '\n';
            break;
        case 'r':
            out += '\r';
            break;
        case 't':
            out += '\t';
            break;
        case '0':
            out += '\0';
            break;
        case 's':
            out += ' ';
            break;
        case 'p':
            out += '|';
            break;
        case '\\':
            out += '\\';
            break;
        case 'x': {
            const std::string_view hex = text.substr(i + 1, 2);
            unsigned char octet = 0;
            const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), octet, 16);
            if (hex.size() != 2 || read.ptr != hex.data() + hex.size())
                throw std::runtime_error(fmt::format("line {}: \\x wants two hex digits", line));
            out += static_cast<char>(octet);
            i += 2;
            break;
        }
        default:
            throw std::runtime_error(fmt::format("line {}: bad escape \\{}", line, c));
        }
    }
    return out;
}

std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

} // namespace

std::vector<Row> read_table(const std::string& path, std::size_t columns) {
    std::ifstream in(std::string(POSTSEAL_TEST_DATA) + "/" + path);
    if (!in) throw std::runtime_error("cannot read tests/data/" + path);
    std::vector<Row> rows;
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); line++) {
        std::string_view rest = trim_blanks(text);
        if (rest.empty() || rest.front() == '#') continue;
        Row row{.line = line, .fields = {}};
        for (;;) {
            const auto bar = rest.find('|');
            row.fields.push_back(unescape(trim_blanks(rest.substr(0, bar)), line));
            if (bar == std::string_view::npos) break;
            rest.remove_prefix(bar + 1);
        }
        if (row.fields.size() != columns)
            throw std::runtime_error(fmt::format("tests/data/{}:{}: {} fields, not {}", path, line,
                                                 row.fields.size(), columns));
        rows.push_back(std::move(row));
    }
    if (rows.empty()) throw std::runtime_error("tests/data/" + path + " is empty");
    return rows;
}

} // namespace postseal::test
