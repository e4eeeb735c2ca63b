// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace postseal::cli {

std::vector<Option> joined(std::vector<Option> own, std::vector<Option> shared) {
    std::ranges::move(shared, std::back_inserter(own));
    return own;
}

std::vector<Option> options_of(const Command& command) {
    return joined(command.options,
                  {{.letter = "h", .name = "help", .help = "list arguments and options"}});
}

const Command* find(const std::vector<Command>& commands, std::string_view name) {
    const auto found = std::ranges::find(commands, name, &Command::name);
    return found == commands.end() ? nullptr : &*found;
}

} // namespace postseal::cli
