// SPDX-License-Identifier: BSD-3-Clause
#include "service/control.h"

#include <fmt/format.h>

namespace postseal::service {
namespace {

constexpr std::size_t max_passed = 250; // SCM_MAX_FD is 253

} // namespace

serve::Reloaded Control::reload_now() {
    if (parts_.ending.begun()) return {.error = "the daemon is ending"};
    parts_.systemd.reloading();
    serve::Reloaded done = parts_.reload.run();
    parts_.status_line.ready();
    return done;
}

void Control::end() {
    parts_.systemd.stopping();
    parts_.ending.begin(serve::Listeners::Files::remove);
}

async::Task<serve::Reloaded> Control::reload() {
    // Not from inside the connection that asks for it: its listener may be among what changes.
    co_await async::Sleep(parts_.loop, milliseconds(0));
    co_return reload_now();
}

async::Task<serve::ReloadedOverrides> Control::reload_overrides() {
    co_return parts_.reload.run_overrides();
}

std::expected<std::vector<int>, std::string> Control::hand_over() {
    if (parts_.systemd.active())
        return std::unexpected("this daemon is systemd's: systemctl restart keeps its listeners");
    std::vector<int> sockets = parts_.listeners.descriptors();
    if (sockets.size() > max_passed)
        return std::unexpected(fmt::format("{} listening sockets are more than the {} that can be "
                                           "handed over",
                                           sockets.size(), max_passed));
    return sockets;
}

void Control::give_way() {
    parts_.log.info("giving-way");
    parts_.ending.begin(serve::Listeners::Files::leave);
}

} // namespace postseal::service
