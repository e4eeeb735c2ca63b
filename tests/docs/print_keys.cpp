// print_keys: what the tests of the man pages ask of the configuration's reader
//
//   print_keys          every key that may stand in postseal.toml, one a line, with its table
//   print_keys A B      status 0 if the files A and B mean the same, 1 if they do not
// Status 2: a file is in error, standard error says how.
// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include <fmt/format.h>

#include <exception>

namespace {

using namespace postseal;

int compare(const char* a, const char* b) {
    const auto first = config::load(a);
    const auto second = config::load(b);
    for (const auto* loaded : {&first, &second}) {
        if (*loaded) continue;
        fmt::print(stderr, "{}\n", loaded->error().message());
        return 2;
    }
    return *first == *second ? 0 : 1;
}

int run(int argc, char** argv) {
    if (argc == 3) return compare(argv[1], argv[2]);
    for (const std::string& key : config::known_keys())
        fmt::print("{}\n", key);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& bug) {
        fmt::print(stderr, "print_keys: {}\n", bug.what());
        return 2;
    }
}
