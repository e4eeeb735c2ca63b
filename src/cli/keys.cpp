// SPDX-License-Identifier: BSD-3-Clause
#include "cli/keys.h"

#include "cli/exit_status.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

namespace postseal::cli {

// CLI11 takes "[mx.example.com]" for a list where an option has several values.
void take_keys(CLI::App& command, Run& run,
               std::function<int(const std::vector<std::string>& keys)> body) {
    auto first = std::make_shared<std::string>();
    command.add_option("key", *first, "a destination; more may follow")->required();
    command.allow_extras();
    command.callback([&command, &run, first, body = std::move(body)] {
        std::vector<std::string> keys = command.remaining();
        keys.insert(keys.begin(), *first);
        run = [keys = std::move(keys), body] {
            for (const std::string& word : keys)
                if (word.starts_with('-')) return fail(usage, "unknown option " + word);
            return body(keys);
        };
    });
}

} // namespace postseal::cli
