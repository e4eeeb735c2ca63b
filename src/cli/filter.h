// cli/filter.h: which of the destinations that the daemon keeps, page by page
//
// The daemon's store may hold millions: a page is asked for when the last has been dealt with.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"
#include "cli/command.h"
#include "cli/options.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <vector>

namespace postseal::cli {

struct Filter {
    std::string cls;
    std::string mode;
    std::string expiring;
    bool failing = false;
    std::string pattern;   // of keys: "*.example"; without * and ?: any key with that in it
    std::size_t limit = 0; // 0: all

    friend bool operator==(const Filter&, const Filter&) = default;
};

[[nodiscard]] std::vector<Option> filter_options(Filter& filter);

enum class Bodies { no, yes }; // of policies
// `page` is given each page, an array of KEPT (serve/admin_memory.h), which may be empty.
// Errors: the filter's, the daemon's.
[[nodiscard]] std::expected<void, ClientError>
each_page(const Common& common, const Filter& filter, Bodies bodies,
          const std::function<void(const Json& page)>& page);

} // namespace postseal::cli
