// service/privileges.h: what the process gives up before it reads the first text of a stranger
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>

namespace postseal::service {

// From root to the configured user with its groups and without any capability, once the listeners
// are bound. Nothing to do when `user` is empty. Errors: no such user, or we are not root and not
// that user.
[[nodiscard]] std::expected<void, std::string> switch_user(const std::string& user);

// None has a way back, nor a way to fail.
// Every capability that it was started with, an ambient one too, unless it is root still.
void drop_capabilities();
// No program that it might start has more rights than it has (no_new_privs), and what it writes is
// for its user and group only (umask 027).
void give_up_for_good();
// Neither a core file nor another process of its user gets to see its memory.
void hide_memory();

} // namespace postseal::service
