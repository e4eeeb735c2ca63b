// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace postseal::doctor {
namespace {

constexpr std::uint32_t search = 1;
constexpr std::uint32_t write = 2;

// Access(2)'s rule: the first of owner, group and others that fits decides.
bool may(const User& user, const PathPart& part, std::uint32_t what) {
    if (user.uid == 0) return true;
    const bool in_group = std::ranges::find(user.gids, part.gid) != user.gids.end();
    const unsigned shift = part.uid == user.uid ? 6 : in_group ? 3 : 0;
    return (part.mode >> shift & what) != 0;
}

const PathPart* first_closed(const User& user, const std::vector<PathPart>& parts) {
    for (const PathPart& part : parts)
        if (!may(user, part, &part == &parts.back() ? write : search)) return &part;
    return nullptr;
}

void check_permissions(const Facts& facts, const Client& client, const Reached& reached,
                       const Settings::Listener& listener, Report& report) {
    if (!facts.mail_owner || client.privileged || reached.real_path.empty()) return;
    const User& user = *facts.mail_owner;
    const PathPart* closed = first_closed(user, reached.parts);
    if (closed == nullptr) {
        report.ok("permissions",
                  fmt::format("user {} may connect to {}", user.name, reached.real_path));
        return;
    }
    const bool is_socket = closed == &reached.parts.back();
    std::vector<Fix> fix;
    if (is_socket) {
        const std::string table = "[[listen]] of " + listener.endpoint.text();
        fix = {configure(facts, table, fmt::format("group = \"{}\"", user.group)),
               configure(facts, table, "mode = \"0660\""), run("postseal reload")};
    } else {
        fix = {run("chmod o+x " + closed->path)};
    }
    report.problem("permissions",
                   fmt::format("user {} may not {} {} (mode {:04o}, uid {}, gid {})", user.name,
                               is_socket ? "write to" : "pass through", closed->path, closed->mode,
                               closed->uid, closed->gid),
                   "Postfix cannot connect to postseald, and defers all mail", fix);
}

bool leaves_chroot(const Facts& facts, const Client& client, const Table& table,
                   const Reached& reached) {
    return client.chrooted && !table.proxied && !reached.real_path.empty() &&
           !facts.real_queue_directory.empty() &&
           !reached.real_path.starts_with(facts.real_queue_directory + "/");
}

std::vector<Fix> out_of_the_chroot(const Facts& facts, const Client& client, const Table& table) {
    return replace_table(facts, client, table.text, advise(facts, client));
}

void check_socket(const Facts& facts, const Client& client, const Table& table,
                  const Settings::Listener& listener, Report& report) {
    const Endpoint outside = seen_from_outside(table, client, facts.postconf);
    const auto found = facts.reached.find(outside.text());
    if (found == facts.reached.end()) return;
    const Reached& reached = found->second;
    const bool hidden = outside.is_unix() && outside != listener.endpoint;
    if ((hidden && reached.real_path.empty()) || leaves_chroot(facts, client, table, reached)) {
        report.problem("socket",
                       fmt::format("{} runs in the chroot {}, where {} is not", client.service,
                                   facts.postconf.value("queue_directory"),
                                   listener.endpoint.text()),
                       "Postfix cannot connect to postseald, and defers all mail",
                       out_of_the_chroot(facts, client, table));
        return;
    }
    if (!reached.fault.empty()) {
        // That it does not run is said already.
        if (facts.daemon)
            report.problem("socket",
                           fmt::format("nothing accepts at {}: {}", outside.text(), reached.fault),
                           "postseald runs, but Postfix cannot connect to it and defers all mail",
                           {run("systemctl restart postseald")});
        return;
    }
    report.ok("socket", fmt::format("{} accepts", outside.text()));
    if (outside.is_unix()) check_permissions(facts, client, reached, listener, report);
}

} // namespace

void check_sockets(const Facts& facts, const Client& client, Report& report) {
    for (const Table& table : parse_tables(facts.postconf.value(client, "smtp_tls_policy_maps")))
        if (const auto* listener = listener_of(table, client, facts))
            check_socket(facts, client, table, *listener, report);
}

} // namespace postseal::doctor
