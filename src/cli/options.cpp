// SPDX-License-Identifier: BSD-3-Clause
#include "cli/options.h"

#include <utility>

namespace postseal::cli {

Option json_option(Common& common) {
    return {.letter = "j", .name = "json", .help = "write JSON", .target = &common.json};
}

std::vector<Option> config_options(Common& common) {
    return {{.letter = "c",
             .name = "config",
             .value = "FILE",
             .help = "configuration (default /etc/postseal/postseal.toml, if it is there)",
             .target = &common.config_file,
             .values = {Values::Kind::file, {}}},
            json_option(common)};
}

std::vector<Option> daemon_options(Common& common) {
    return joined({{.letter = "s",
                    .name = "socket",
                    .value = "SOCKET",
                    .help = "admin socket of the daemon (default: as configured)",
                    .target = &common.socket,
                    .values = {Values::Kind::file, {}}}},
                  config_options(common));
}

std::vector<Option> lookup_options(Common& common) {
    return joined({{.letter = "d",
                    .name = "direct",
                    .help = "look up in this process, without a daemon and without its memory",
                    .target = &common.direct}},
                  daemon_options(common));
}

std::vector<Argument> one_key(std::string& key) {
    return {{.name = "KEY",
             .help = "a destination as Postfix asks: example.com, [mx.example.com]:587",
             .target = &key}};
}

std::vector<Argument> several_keys(std::vector<std::string>& keys) {
    return {{.name = "KEY",
             .help = "destinations as Postfix asks: example.com, [mx.example.com]:587; - is "
                     "standard input",
             .count = Argument::Count::several,
             .target = &keys}};
}

} // namespace postseal::cli
