// SPDX-License-Identifier: BSD-3-Clause
#include "service/descriptors.h"

#include <fmt/format.h>
#include <sys/resource.h>

namespace postseal::service {
namespace {

// Listeners, the store, policy fetches and the resolver's sockets.
constexpr std::size_t others = 1024;

} // namespace

std::optional<std::string> raise_descriptor_limit(std::size_t connections) {
    const std::size_t wanted = connections + others;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted) return std::nullopt;
    return fmt::format(
        "at most {} file descriptors may be open, too few for limits.connections = {}; "
        "raise the limit (systemd: LimitNOFILE={}) or lower the key",
        limit.rlim_cur, connections, wanted);
}

} // namespace postseal::service
