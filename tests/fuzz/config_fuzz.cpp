// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as postseal.toml.
#include "config/config.h"

#include "fuzz/check.h"
#include "postseal/base/text.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace {

using namespace postseal;
using namespace std::chrono_literals;
using fuzz::check;

void check_listen(const config::Listen& listen, const config::Config& config) {
    check(config::parse_address(listen.address.text()) == listen.address);
    check(listen.mode <= 0777 && listen.idle >= 1s && listen.idle <= 24h);
    check(listen.protocol != config::Protocol::admin || listen.address.is_unix());
    check(listen.protocol != config::Protocol::tcp_table || listen.maps.size() == 1);
    for (const std::string& name : listen.maps)
        check(std::ranges::any_of(config.maps, [&name](const config::Map& map) {
            return equals_ignoring_case(map.name, name);
        }));
}

void check_config(const config::Config& config) {
    check(!config.listen.empty() && config.maps.size() >= 5);
    for (const config::Listen& listen : config.listen)
        check_listen(listen, config);
    for (const config::Map& map : config.maps)
        check(!map.name.empty() && map.name.find(' ') == std::string::npos);
    check(config.limits.connections >= 1 && config.limits.lookups >= 1);
    check(config.limits.deadline >= 100ms && config.limits.deadline <= 90s);
    check(config.dns.timeout >= 100ms && config.dns.timeout <= 1min);
    check(config.cache_memory >= 1U << 20U);
    for (const std::string& path : config.sandbox.write)
        check(path.starts_with('/'));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::as_text(data, size);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    const auto config = config::parse(text, "f");
    if (!config) {
        check(config.error().file == "f" && !config.error().text.empty());
        check(config.error().line <= lines);
        check(config.error().message().starts_with("f"));
        return 0;
    }
    check_config(*config);
    check(config::parse(text, "f") == config);
    return 0;
}
