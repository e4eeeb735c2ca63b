// cli/machine_faults.h: what of a configuration this machine does not have
//
// Found without starting anything: users, groups, folders, addresses. Of what systemd makes for the
// daemon (/run/postseal, /var/lib/postseal) nothing is said.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/faults.h"

#include <string>
#include <vector>

namespace postseal::cli {

struct MachineFaults {
    std::vector<config::Error> errors;
    std::vector<config::Error> notes; // what the unit or another user may put right
};

[[nodiscard]] MachineFaults machine_faults(const config::Faults& read, const std::string& file);

} // namespace postseal::cli
