// base/resolv_conf.h: the name servers of resolv.conf(5), as the C library reads it
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postseal {

// As they are written ("192.0.2.1", "fe80::1%eth0"), the first three in order: the C library asks
// no others. Comments, options and all else are passed over. Empty: the file names none.
[[nodiscard]] std::vector<std::string> name_servers_in(std::string_view resolv_conf);

} // namespace postseal
