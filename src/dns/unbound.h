// dns/unbound.h: the Resolver made of libunbound, validating in our own process
//
// libunbound resolves on a worker thread of its own (validation on the loop's thread would stall it
// for 1 to 25 ms). At most 128 questions are with libunbound at once, the rest wait in order:
// ub_resolve_async writes to a blocking pipe. What was just answered about hosts is not asked again
// (dns/recent_answers.h). A question that takes longer than `timeout`, its time in the queue
// included, fails; if more than half of it was in the queue, as one that nobody was asked. Every
// Task of resolve() must be gone before its Unbound is.
// Errors of the set-up (an unreadable trust anchor, a bad forwarder) are one clear sentence each.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "dns/resolver.h"
#include "dns/root_check.h"
#include "postseal/base/special_addresses.h"

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dns {

struct UnboundOptions {
    std::vector<std::string> trust_anchor{"system"}; // files, and "system" (dns/system_files.h)
    std::string root_hints = "system";               // file, or "system"; empty: built in
    // "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53", "resolv.conf" (dns/resolv_conf.h)
    std::vector<std::string> forward;
    std::vector<std::string> stub; // "example.=192.0.2.1@53"
    std::string unbound_conf;      // a whole unbound.conf(5), read first
    // Prefixes ("192.168.0.0/16"). Beside servers in them, and those that `forward`, `stub`,
    // `root_hints` and `unbound_conf` name, none at a private or special address is asked
    // (base/special_addresses.h).
    std::vector<std::string> private_name_servers;
    // RFC 9156. An error where libunbound has no limit for what one question costs.
    bool qname_minimisation = false;
    milliseconds timeout{8000};
    // Whom to ask was left to us: where nothing answers, dns/upstream.h may ask the others.
    bool may_ask_system = false;
};

class Unbound final : public Resolver {
  public:
    // Resolves nothing yet; the worker thread is started by the first question.
    [[nodiscard]] static std::expected<std::unique_ptr<Unbound>, std::string>
    open(async::UvLoop& loop, const UnboundOptions& options);
    ~Unbound() override;

    async::Task<Answer> resolve(std::string name, RrType type) override;
    async::Task<Answer> resolve_for(Asker asker, std::string name, RrType type) override;

    // Through the worker thread and back, by a name that libunbound answers itself; ahead of the
    // queue and without a time limit. False: the thread is gone.
    [[nodiscard]] async::Task<bool> round_trip();

    // The root's DNSKEY RRset; ahead of the queue, within 8 s. What its caches hold counts.
    [[nodiscard]] async::Task<RootAnswer> root_keys();

    [[nodiscard]] std::size_t in_flight() const; // with libunbound
    [[nodiscard]] std::size_t waiting() const;   // behind them

    // There is no trust anchor of the root, and no unbound.conf that may hold one.
    [[nodiscard]] bool validates_nothing() const;
    // Without those of an unbound.conf.
    [[nodiscard]] const std::vector<TrustAnchor>& anchors() const;
    // Warnings found at set-up, for the log ("no trust anchor is configured ...").
    [[nodiscard]] const std::vector<std::string>& warnings() const;
    // Why the system's trust anchor was passed over for the compiled-in one; empty: it was not.
    [[nodiscard]] const std::string& outdated_anchor() const;
    // No name server at these addresses is asked (UnboundOptions::private_name_servers).
    [[nodiscard]] const std::vector<IpPrefix>& not_asked() const;

  private:
    struct Impl;
    explicit Unbound(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Of the library at work.
[[nodiscard]] std::string_view unbound_version();

} // namespace postseal::dns
