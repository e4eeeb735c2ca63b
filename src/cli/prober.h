// cli/prober.h: a destination's mail hosts, looked at as the Postfix of this machine would
//
// For `postseal probe` and `postseal explain --probe`.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"
#include "cli/direct.h"
#include "cli/options.h"
#include "cli/postfix_here.h"
#include "cli/probe_text.h"
#include "probe/probe.h"
#include "tls/trust.h"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace postseal::cli {

struct ProbeOptions {
    PostfixOptions postfix;
    std::string map;  // empty: the one that main.cf names
    std::string host; // empty: all
    std::string port; // empty: the key's
    std::string timeout = "10s";
    bool ipv4 = false;
    bool ipv6 = false;
};

class Prober {
  public:
    // Errors: configuration, usage, or a part that cannot be built.
    [[nodiscard]] static std::expected<Prober, ClientError> open(const Common& common,
                                                                 const ProbeOptions& options);

    // `explained`: the daemon's explain, whose replies count; null: those of a lookup made here.
    [[nodiscard]] std::expected<Probed, ClientError> probe(const std::string& key,
                                                           const Json* explained = nullptr);

  private:
    Prober(Direct direct, PostfixHere postfix, ProbeOptions options, probe::Options how)
        : direct_(std::move(direct)), postfix_(std::move(postfix)), options_(std::move(options)),
          how_(std::move(how)) {}
    [[nodiscard]] verdict::Mx mx_of_ours(const engine::Answer& answer);
    [[nodiscard]] verdict::Mx mx_of_postfix(const Nexthop& nexthop);
    [[nodiscard]] std::expected<Lookup, ClientError> look_up(const engine::Answer& answer,
                                                             const Json* explained) const;

    Direct direct_;
    PostfixHere postfix_;
    ProbeOptions options_;
    probe::Options how_;
    std::shared_ptr<const tls::Trust> trust_; // Postfix's
};

// 0 sealed to every host and address, 75 deferred, 1 else.
[[nodiscard]] int status_of(const Probed& probed);

} // namespace postseal::cli
