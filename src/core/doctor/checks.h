// doctor/checks.h: the checks that examine() makes, one file each
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "report.h"

#include <string>
#include <string_view>

namespace postseal::doctor {

// Of the daemon itself and of what it needs.
void check_daemon(const Facts& facts, Report& report);
void check_shared_store(const Facts& facts, Report& report);
void check_trust_anchor(const Facts& facts, Report& report);
void check_validation(const Facts& facts, Report& report);

// Of each client: whom it asks, whether it gets there, and what it makes of the reply.
void check_maps(const Facts& facts, const Client& client, Report& report);
void check_requiretls(const Facts& facts, const Client& client, Report& report);
void check_sockets(const Facts& facts, const Client& client, Report& report);
void check_dns_support(const Facts& facts, const Client& client, Report& report);
void check_authorities(const Facts& facts, const Client& client, Report& report);
void check_security_level(const Facts& facts, const Client& client, Report& report);
void check_insecure_mx(const Facts& facts, const Client& client, Report& report);
void check_relayhost(const Facts& facts, const Client& client, Report& report);

// Of the machine.
void check_name_servers(const Facts& facts, Report& report);
void check_unasked_zones(const Facts& facts, Report& report);
void check_clock(const Facts& facts, Report& report);

[[nodiscard]] bool is_loopback(std::string_view host);
[[nodiscard]] bool is_of_this_machine(const Endpoint& endpoint); // a unix socket, or loopback

// The table that `client` should ask, and what must be done before.
struct Advice {
    std::string table;
    std::vector<Fix> first;
};
[[nodiscard]] Advice advise(const Facts& facts, const Client& client);
// smtp_tls_policy_maps with `text` in the place of `old`.
[[nodiscard]] std::vector<Fix> replace_table(const Facts& facts, const Client& client,
                                             std::string_view old, const Advice& advice);

} // namespace postseal::doctor
