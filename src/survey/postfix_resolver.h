// survey/postfix_resolver.h: DNS as smtp(8) sees it: by the name servers of its resolv.conf
//
// They are asked in order, the next one where one fails, and their AD bit is believed, as Postfix
// does under smtp_dns_support_level = dnssec; without that nothing counts as secure. What their
// validation refuses is SERVFAIL to Postfix, and so `failed` here, never `bogus`.
// It blocks: for a tool that asks about one destination. A server that did not answer once is not
// asked again.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <string>
#include <vector>

namespace postseal::survey {

class PostfixResolver final : public dns::Resolver {
  public:
    enum class Ad { believed, ignored };
    PostfixResolver(std::vector<std::string> servers, Ad ad)
        : servers_(std::move(servers)), ad_(ad) {}

    async::Task<dns::Answer> resolve(std::string name, dns::RrType type) override;

  private:
    [[nodiscard]] dns::Answer ask(const std::string& name, dns::RrType type);

    std::vector<std::string> servers_; // that have answered, or were not asked yet
    Ad ad_;
    std::string fault_; // of the last one given up
};

} // namespace postseal::survey
