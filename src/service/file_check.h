// service/file_check.h: the configuration and the files that it names, checked without a start
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/faults.h"

#include <cstddef>
#include <string>
#include <vector>

namespace postseal::service {

// What parse() cannot see: all that is wrong with the files that the configuration names, and with
// what only the libraries read. Listens and connects nowhere. Each error has the place where `read`
// names the file; one of the overrides has its place in their file.
struct FileCheck {
    std::size_t overrides = 0;
    std::vector<config::Error> errors;
    std::vector<config::Error> notes;
};
[[nodiscard]] FileCheck check_files(const config::Faults& read, const std::string& file);

// The same, and before it all that is wrong with the file itself.
[[nodiscard]] FileCheck check_all(const std::string& file);

} // namespace postseal::service
