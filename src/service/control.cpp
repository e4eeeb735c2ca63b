// SPDX-License-Identifier: BSD-3-Clause
#include "service/control.h"

#include <fmt/format.h>

namespace postseal::service {
namespace {

constexpr std::size_t max_passed = 250; // SCM_MAX_FD is 253

} // namespace

serve::Reloaded Control::reload_now() {
    if (dependencies_.ending.begun()) return {.error = "the daemon is ending"};
    dependencies_.systemd.reloading();
    serve::Reloaded done = dependencies_.reload.run();
    dependencies_.status_line.ready();
    return done;
}

void Control::end() {
    dependencies_.systemd.stopping();
    dependencies_.ending.begin(serve::Listeners::Files::remove);
}

async::Task<serve::Reloaded> Control::reload() {
    // Not from inside the connection that asks for it: its listener may be among what changes.
    co_await async::Sleep(dependencies_.loop, milliseconds(0));
    co_return reload_now();
}

async::Task<serve::ReloadedOverrides> Control::reload_overrides() {
    co_return dependencies_.reload.run_overrides();
}

std::expected<std::vector<int>, std::string> Control::hand_over() {
    if (dependencies_.systemd.active())
        return std::unexpected("this daemon is systemd's: systemctl restart keeps its listeners");
    std::vector<int> sockets = dependencies_.listeners.descriptors();
    if (sockets.size() > max_passed)
        return std::unexpected(fmt::format("{} listening sockets are more than the {} that can be "
                                           "handed over",
                                           sockets.size(), max_passed));
    return sockets;
}

void Control::give_way() {
    dependencies_.log.info("giving-way");
    dependencies_.ending.begin(serve::Listeners::Files::leave);
}

} // namespace postseal::service
