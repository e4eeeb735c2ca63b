// https/host_lookup.h: the addresses of a policy host, from our own resolver
//
// A and AAAA are asked for at the same time. next() gives what there is once one family has
// addresses and the other has answered or kept us waiting for `grace`; a family that answers later
// is given by the following next(), for a caller who could not connect. One family's failure does
// not matter if the other has addresses.
// The asker is that of each question.
// Error: no_turn, when nobody was asked for a family; else dns, when no family has any (more):
// which lookup failed and why, the host named.
// Thread: the resolver's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/nudge.h"
#include "async/task.h"
#include "dns/for_client.h"
#include "dns/resolver.h"
#include "https/policy_fetch.h"
#include "tls/address.h"

#include <array>
#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace postseal::https {

inline constexpr milliseconds address_grace{250};

class HostLookup {
  public:
    HostLookup(async::Loop& loop, dns::Resolver& resolver, std::string host, dns::Asker asker = {});
    HostLookup(const HostLookup&) = delete;
    HostLookup& operator=(const HostLookup&) = delete;
    ~HostLookup() = default;

    [[nodiscard]] async::Task<std::expected<std::vector<tls::Address>, FetchError>> next();
    // A family has not answered yet, so that another next() may give more.
    [[nodiscard]] bool more() const;

  private:
    struct Family {
        dns::RrType type;
        dns::Answer answer;
        bool answered = false;
        bool given = false;
    };
    async::Task<> ask(Family& family);
    [[nodiscard]] std::vector<tls::Address> take();
    [[nodiscard]] FetchError no_address() const;

    dns::ForClient resolver_;
    std::string host_;
    async::Nudge news_;
    std::array<Family, 2> families_;
    async::Group group_;
};

} // namespace postseal::https
