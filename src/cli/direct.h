// cli/direct.h: lookups of our own, without a daemon and without its memory
//
// The parts that the daemon is built of, with a store that begins empty. It turns its own loop.
// open() checks once whether DNSSEC can be validated here (dns/root_check.h), which takes 16 s
// where no name server answers; what is bogus is judged accordingly, and standard error says it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "config/config.h"
#include "dns/resolver.h"
#include "dns/root_check.h"
#include "dns/txt_lookup.h"
#include "engine/answer.h"
#include "engine/maps.h"
#include "engine/overrides.h"
#include "https/policy_fetch.h"
#include "postseal/base/nexthop.h"
#include "json/json.h"

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace postseal::cli {

class Direct {
  public:
    // Errors: a part that cannot be built, in one sentence.
    [[nodiscard]] static std::expected<Direct, std::string> open(const config::Config& config);
    Direct(Direct&&) noexcept;
    Direct& operator=(Direct&&) = delete;
    ~Direct();

    [[nodiscard]] std::shared_ptr<const engine::Answer> answer(const Nexthop& nexthop);
    [[nodiscard]] const dns::RootCheck& validation() const;
    [[nodiscard]] std::string_view asked_servers() const; // of dns::AskedServers
    [[nodiscard]] async::UvLoop& loop();
    [[nodiscard]] dns::Resolver& resolver();
    [[nodiscard]] dns::TxtResult record(const Domain& domain); // of MTA-STS
    [[nodiscard]] https::FetchResult fetch_policy(const Domain& domain);
    [[nodiscard]] const engine::Maps& maps() const;
    [[nodiscard]] const engine::Overrides& overrides() const;
    // As the daemon reads the key.
    [[nodiscard]] std::expected<Nexthop, NexthopError> destination(std::string_view key) const;

  private:
    struct Impl;
    explicit Direct(std::unique_ptr<Impl> parts);
    std::unique_ptr<Impl> parts_;
};

// The JSON of engine/explain.h. Errors as open()'s.
[[nodiscard]] std::expected<Json, std::string> explain_direct(const config::Config& config,
                                                              const std::string& key);

} // namespace postseal::cli
