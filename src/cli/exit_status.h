// cli/exit_status.h: what postseal's exit status says (sysexits.h where it has a name for it)
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace postseal::cli {

enum ExitStatus : int {
    found = 0,
    no_policy = 1,
    problems = 1, // doctor
    degraded = 1, // health
    down = 2,     // health
    usage = 64,
    bad_data = 65,    // lint, import
    unreachable = 69, // no daemon at the socket
    temporary = 75,
    bad_config = 78,
};

} // namespace postseal::cli
