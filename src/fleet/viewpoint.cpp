// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/viewpoint.h"

#include <chrono>
#include <utility>

namespace postseal::fleet {

void Viewpoint::note_clock(milliseconds ahead_now) {
    if (std::chrono::abs(ahead_now - ahead) > clocks_differ) ahead = ahead_now;
}

void Viewpoint::name(std::string& by) const {
    if (by.empty()) by = node;
}

SharedPolicy Viewpoint::to_server(store::StsRow row, std::optional<WallTime> forgotten_at) const {
    if (row.fetched_at != WallTime{}) name(row.origin);
    if (row.failed_at != WallTime{}) name(row.failed_by);
    return {.row = translated(std::move(row), ahead),
            .forgotten_at = translated(forgotten_at, ahead)};
}

SharedNexthop Viewpoint::to_server(store::NexthopRow row,
                                   std::optional<WallTime> forgotten_at) const {
    if (row.dane_seen_at) name(row.dane_by);
    return {.row = translated(std::move(row), ahead),
            .forgotten_at = translated(forgotten_at, ahead)};
}

SharedPolicy Viewpoint::from_server(SharedPolicy policy) const {
    return {.row = translated(std::move(policy.row), -ahead),
            .forgotten_at = translated(policy.forgotten_at, -ahead)};
}

SharedNexthop Viewpoint::from_server(SharedNexthop look) const {
    return {.row = translated(std::move(look.row), -ahead),
            .forgotten_at = translated(look.forgotten_at, -ahead)};
}

} // namespace postseal::fleet
