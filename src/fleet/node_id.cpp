// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/node_id.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

namespace postseal::fleet {

std::string new_node_id() {
    std::array<char, 65> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::random_device device;
    return printable(fmt::format("{}-{:04x}", host.data(), device() & 0xffffU), 80);
}

std::string fact(const store::FleetState& state, std::string_view name) {
    const auto found = std::ranges::find(state.facts, name, &store::FleetFact::name);
    return found == state.facts.end() ? std::string() : found->value;
}

} // namespace postseal::fleet
