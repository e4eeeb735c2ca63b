// store/open_database.h: a Database on a file, or the test ends
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/database.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

namespace postseal::test {

inline std::unique_ptr<store::Database> open(const std::string& path) {
    auto opened = store::Database::open(path);
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text);
    return std::move(*opened);
}

} // namespace postseal::test
