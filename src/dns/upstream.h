// dns/upstream.h: whom our resolver asks, followed while that changes
//
// With "resolv.conf" in dns.forward the file is read again every 5 s; when it names other servers,
// a resolver for these takes the place of the one in use. While it cannot be read or names none,
// the servers that it named before are asked.
//
// check() is what dns/validation_health.h wants: the root's keys, asked anew by a resolver without
// any memory, which takes the place of the one in use if that could not validate before: nothing
// that it kept from then counts. If options.may_ask_system, and the name servers of the Internet do
// not answer, or not with DNSSEC records, and those of /etc/resolv.conf do, these are asked from
// then on, and the other way round.
// Thread: the loop's. Reads small files there. Outlives its check().
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "dns/replaceable.h"
#include "dns/root_check.h"
#include "dns/unbound.h"
#include "postseal/base/time.h"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postseal::dns {

class Upstream {
  public:
    struct Events {
        // Others are asked from now on than before; `why` the last could not be used.
        std::function<void(AskedServers now, const RootCheck& why)> switched;
        // resolv.conf names others.
        std::function<void(const std::vector<std::string>& servers)> servers_changed;
        std::function<void(const std::string& reason)> file_unusable; // once
    };
    Upstream(async::UvLoop& loop, Replaceable<Unbound>& resolver, UnboundOptions options,
             std::function<WallTime()> wall_clock, Events events);

    [[nodiscard]] async::Task<RootCheck> check();

    // The resolver in use was made from these options.
    void reconfigure(UnboundOptions options);

    // What the resolver in use remembers counts no more: times of its memory are of another clock.
    void forget();
    // As the one in use, but it remembers nothing; null: it cannot be opened.
    [[nodiscard]] std::shared_ptr<Unbound> open_anew() const { return open(asked_); }
    [[nodiscard]] AskedServers asked() const { return asked_; }

  private:
    [[nodiscard]] UnboundOptions options_for(AskedServers asked) const;
    [[nodiscard]] std::optional<AskedServers> others() const;
    [[nodiscard]] async::Task<RootCheck> ask(std::shared_ptr<Unbound> resolver,
                                             AskedServers asked) const;
    [[nodiscard]] std::shared_ptr<Unbound> open(AskedServers asked) const;
    void use(std::shared_ptr<Unbound> resolver, AskedServers asked);
    void follow_file();
    void look_at_file();

    async::UvLoop& loop_;
    Replaceable<Unbound>& resolver_;
    UnboundOptions options_;
    std::function<WallTime()> wall_clock_;
    Events events_;
    AskedServers asked_;
    std::vector<std::string> servers_; // of the file, as last used
    unsigned generation_ = 0;          // of options_ and servers_
    bool fresh_ = true;                // the resolver in use has no memory yet
    bool failing_ = false;
    bool unusable_ = false; // the file, and so said
    async::Timer timer_;
};

} // namespace postseal::dns
