// config/faults.h: all that is wrong with a configuration file, for `postseal check-config`
//
// load() of config/config.h ends at the first fault; here they are all, and where each key stands,
// for what can only be found out beside the file.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::config {

// The line of each key, by its dotted name; of a key of [[listen]] or [[map]] one for each table,
// in order. 0: it is not in the file.
using Lines = std::map<std::string, std::vector<std::size_t>, std::less<>>;

struct Faults {
    Config config; // what is wrong has its default
    std::vector<Error> errors;
    Lines lines;

    // `index`: which table of a list.
    [[nodiscard]] std::size_t line_of(std::string_view key, std::size_t index = 0) const;
};

// An empty path: the defaults.
[[nodiscard]] Faults faults(const std::string& path);
[[nodiscard]] Faults faults_of(std::string_view text, std::string file);

} // namespace postseal::config
