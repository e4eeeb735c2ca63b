// engine/own_dns.h: the resolver that lookups ask, and whether it can validate
//
// One of libunbound (dns/unbound.h), followed (dns/upstream.h) and judged
// (dns/validation_health.h); what an operator must know of it goes into the log. Nothing is asked
// before start().
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "dns/replaceable.h"
#include "dns/unbound.h"
#include "dns/upstream.h"
#include "dns/validation_health.h"
#include "engine/clock.h"
#include "log/log.h"

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postseal::engine {

class OwnDns {
  public:
    // Error: the set-up's, in one sentence.
    [[nodiscard]] static std::expected<std::unique_ptr<OwnDns>, std::string>
    open(async::UvLoop& loop, const dns::UnboundOptions& options, const Clock& clock, Log& log);
    OwnDns(const OwnDns&) = delete;
    OwnDns& operator=(const OwnDns&) = delete;
    ~OwnDns() = default;

    // The first check; a bogus answer waits for its end.
    void start() { health_.check_now(); }
    // Takes the place of the one in use, whose lookups end with it.
    void replace(std::shared_ptr<dns::Unbound> resolver, const dns::UnboundOptions& options);
    // The wall clock was set: what libunbound remembers would end by the old one.
    void clock_jumped();
    // Called with domains whose MX RRset was judged otherwise than it would be now. One listener,
    // which gives {} before it ends.
    void on_reconsider(std::function<void(const std::string& domain)> reconsider) {
        reconsider_ = std::move(reconsider);
    }

    [[nodiscard]] dns::ValidationHealth& resolver() { return health_; }
    [[nodiscard]] const dns::ValidationHealth& health() const { return health_; }
    [[nodiscard]] const std::shared_ptr<dns::Unbound>& now() const { return current_.now(); }
    [[nodiscard]] dns::AskedServers asked() const { return upstream_.asked(); }
    // Another that asks the same servers and remembers nothing; null: it cannot be opened now.
    [[nodiscard]] std::shared_ptr<dns::Resolver> open_anew() const { return upstream_.open_anew(); }

  private:
    OwnDns(async::UvLoop& loop, std::shared_ptr<dns::Unbound> resolver,
           const dns::UnboundOptions& options, const Clock& clock, Log& log);
    [[nodiscard]] dns::Upstream::Events events();
    void on_change(const dns::RootCheck& check);
    void warn(const dns::Unbound& resolver);

    Log& log_;
    std::function<void(const std::string&)> reconsider_;
    dns::Replaceable<dns::Unbound> current_;
    dns::Upstream upstream_;
    dns::ValidationHealth health_; // last: its checks use the rest
};

} // namespace postseal::engine
