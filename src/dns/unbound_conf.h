// dns/unbound_conf.h: which name servers an unbound.conf(5) names
//
// The words are read as libunbound reads them: a # that begins a word begins a comment, words may
// be in quotes, include: names files and may have wildcards. A server that is given by name
// (stub-host:, forward-host:) has no address here.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/special_addresses.h"

#include <string>
#include <vector>

namespace postseal::dns {

struct NamedServers {
    std::vector<IpPrefix> addresses;     // stub-addr:, forward-addr:
    std::vector<std::string> root_hints; // files
};

// What cannot be read names none: libunbound reports it.
[[nodiscard]] NamedServers servers_in(const std::string& unbound_conf);

} // namespace postseal::dns
