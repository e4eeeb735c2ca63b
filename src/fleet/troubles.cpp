// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/troubles.h"

#include <algorithm>
#include <utility>

namespace postseal::fleet {
namespace {

// Of the server as a whole, more likely than of what it was asked for.
bool is_away(Fault fault) { return fault == Fault::unreachable || fault == Fault::slow; }

} // namespace

bool Troubles::is_server_away() const {
    return std::ranges::any_of(troubles_,
                               [](const auto& one) { return one && is_away(one->fault); });
}

bool Troubles::failed(Operation operation, const Error& error, WallTime now) {
    counts_.at(static_cast<std::size_t>(error.fault))++;
    // What is tried once a day must not be taken for broken until then.
    if (error.fault == Fault::conflict || operation == Operation::prune) return false;
    std::optional<Trouble>& trouble = troubles_.at(static_cast<std::size_t>(operation));
    const bool known = trouble || (is_away(error.fault) && is_server_away());
    trouble = Trouble{error.fault, error.text, trouble ? trouble->since : now};
    return !known;
}

std::optional<Trouble> Troubles::worked(Operation operation) {
    std::optional<Trouble> ended =
        std::exchange(troubles_.at(static_cast<std::size_t>(operation)), std::nullopt);
    if (operation != Operation::read) return ended;
    // A server that is read is there for all else, too. One that was only slow to write may be so
    // still, unless it was slow to everything.
    const bool was_away = ended.has_value();
    for (std::optional<Trouble>& other : troubles_) {
        if (!other) continue;
        if (other->fault != Fault::unreachable && !(was_away && other->fault == Fault::slow))
            continue;
        const std::optional<Trouble> cleared = std::exchange(other, std::nullopt);
        if (!ended) ended = cleared;
    }
    return ended;
}

const Trouble* Troubles::first() const {
    for (const std::optional<Trouble>& one : troubles_)
        if (one) return &*one;
    return nullptr;
}

} // namespace postseal::fleet
