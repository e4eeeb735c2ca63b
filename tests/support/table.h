// support/table.h: the tables of tests/data
//
// A table is lines of fields separated by "|", blanks around a field dropped. A line that is empty
// or begins with "#" is a comment. In a field \n, \r, \t, \0, \\, \p (for "|"), \s (a space that
// stays at an end) and \xHH stand for their octets. The last field of each line is its reason.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace postseal::test {

struct Row {
    std::size_t line = 0;
    std::vector<std::string> fields;
};

// `path` below tests/data. Every row must have `columns` fields, or the test stops with its line.
[[nodiscard]] std::vector<Row> read_table(const std::string& path, std::size_t columns);

} // namespace postseal::test
