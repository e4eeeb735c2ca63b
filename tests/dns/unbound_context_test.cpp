// SPDX-License-Identifier: BSD-3-Clause
#include "dns/server_address.h"
#include "dns/unbound_context.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace postseal::test {
namespace {

using dns::UnboundOptions;

std::string option(const dns::ContextSetup& setup, const char* name) {
    char* value = nullptr;
    REQUIRE(ub_ctx_get_option(setup.context.get(), name, &value) == 0);
    const std::unique_ptr<char, decltype(&std::free)> owned(value, &std::free);
    return value;
}

UnboundOptions bare() {
    UnboundOptions options;
    options.trust_anchor.clear();
    options.root_hints.clear();
    return options;
}

dns::ContextSetup set_up(const UnboundOptions& options) {
    auto setup = dns::set_up_context(options);
    REQUIRE_MESSAGE(setup, setup.error());
    return *std::move(setup);
}

// By libunbound, where a delegation leads to it.
bool asked(const UnboundOptions& options, const std::string& server) {
    const auto setup = set_up(options);
    CHECK(option(setup, "do-not-query-localhost") == "no"); // the list has it
    std::istringstream list(option(setup, "do-not-query-address"));
    const IpPrefix address = dns::parse_server(server)->address;
    for (std::string line; std::getline(list, line);)
        if (dns::parse_prefix(line)->contains(address)) return false;
    return true;
}

TEST_CASE("set_up_context: name servers at private and special addresses are not asked") {
    for (const auto* global : {"9.9.9.9", "192.175.48.1", "2620:fe::fe", "2001:4:112::1"})
        CHECK(asked(bare(), global));
    for (const auto* special :
         {"127.0.0.1", "10.0.0.1", "192.168.1.1", "172.31.255.255", "0.0.0.0", "169.254.169.254",
          "100.64.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
          "fd00::1", "fe80::1", "2002:a00:1::1", "64:ff9b::10.0.0.1"})
        CHECK_FALSE(asked(bare(), special));
}

TEST_CASE("set_up_context: private name servers are asked if the operator names them") {
    const TempFile hints(". 3600000 NS ns.\nns. 3600000 A 10.0.0.1\nns. 3600000 AAAA fd00::1\n");
    const TempFile conf("stub-zone:\n name: corp.example\n stub-addr: 10.0.0.2@53\n");
    const TempFile conf_hints("server: root-hints: \"" + hints.path() + "\"\n");
    const TempFile local("server: do-not-query-localhost: no\n");
    const auto only = [](const UnboundOptions& options, const std::string& server) {
        return asked(options, server) && !asked(options, "10.0.0.99") &&
               !asked(options, "fd00::99") && !asked(options, "127.0.0.99");
    };
    UnboundOptions options = bare();
    options.root_hints = hints.path();
    CHECK(only(options, "10.0.0.1"));
    CHECK(only(options, "fd00::1"));
    options = bare();
    options.forward = {"127.0.0.1@5353", "fe80::1%lo"};
    CHECK(only(options, "127.0.0.1"));
    CHECK(only(options, "fe80::1"));
    options = bare();
    options.stub = {"example.net.=10.0.0.3"};
    CHECK(only(options, "10.0.0.3"));
    options = bare();
    options.unbound_conf = conf.path();
    CHECK(only(options, "10.0.0.2"));
    options.unbound_conf = conf_hints.path();
    CHECK(only(options, "fd00::1"));
    options = bare();
    options.private_name_servers = {"10.4.0.0/16", "fd04::4"};
    CHECK(only(options, "10.4.255.255"));
    CHECK(only(options, "fd04::4"));
    options = bare();
    options.unbound_conf = local.path();
    for (const auto* loopback : {"127.0.0.99", "::1", "::ffff:127.0.0.1"})
        CHECK(asked(options, loopback));
    CHECK_FALSE(asked(options, "10.0.0.99"));
}

TEST_CASE("set_up_context: a prefix that is none") {
    UnboundOptions options = bare();
    options.private_name_servers = {"10.0.0.0/33"};
    const auto setup = dns::set_up_context(options);
    REQUIRE_FALSE(setup);
    CHECK(setup.error() ==
          "dns.private_name_servers: \"10.0.0.0/33\" has no prefix length (0 to 32) after the /");
}

TEST_CASE("set_up_context: questions are minimised if asked for, and their cost is limited") {
    const dns::ContextSetup setup = set_up(bare());
    char* quota = nullptr;
    const bool limited = ub_ctx_get_option(setup.context.get(), "max-global-quota", &quota) == 0;
    const std::unique_ptr<char, decltype(&std::free)> owned(quota, &std::free);
    CHECK(option(setup, "qname-minimisation") == "no");
    UnboundOptions options = bare();
    options.qname_minimisation = true;
    if (limited) {
        CHECK(std::string(quota) == "200");
        CHECK(option(set_up(options), "qname-minimisation") == "yes");
    } else {
        const auto refused = dns::set_up_context(options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().starts_with("dns.qname_minimisation: libunbound "));
        CHECK(refused.error().ends_with("(its setting max-global-quota); leave the key out"));
    }
}

TEST_CASE("set_up_context: a zone's keys are asked for with the first question about it") {
    CHECK(option(set_up(bare()), "prefetch-key") == "yes");
}

TEST_CASE("set_up_context: unbound.conf changes our defaults, not what answers rest on") {
    const TempFile conf("server:\n"
                        "  module-config: \"iterator\"\n"
                        "  val-permissive-mode: yes\n"
                        "  serve-expired: yes\n"
                        "  val-log-level: 0\n"
                        "  val-bogus-ttl: 77\n"
                        "  domain-insecure: \"example\"\n");
    UnboundOptions options = bare();
    CHECK(option(set_up(options), "val-bogus-ttl") == "30");
    options.unbound_conf = conf.path();
    const auto setup = set_up(options);
    CHECK(option(setup, "module-config") == "validator iterator");
    CHECK(option(setup, "val-permissive-mode") == "no");
    CHECK(option(setup, "serve-expired") == "no");
    CHECK(option(setup, "val-log-level") == "2");
    CHECK(option(setup, "val-bogus-ttl") == "77");
    CHECK(setup.warnings.empty());
}

TEST_CASE("set_up_context: what libunbound finds wrong when it reads it is found at set-up") {
    // Our own reader takes the tag; libunbound cannot read the digest.
    const TempFile anchor(". IN DS 20326 8 2 not-hex\n");
    UnboundOptions options = bare();
    options.trust_anchor = {anchor.path()};
    const auto setup = dns::set_up_context(options);
    REQUIRE_FALSE(setup);
    CHECK(setup.error().starts_with("libunbound does not accept its settings, trust anchors or "
                                    "zones (its messages are on standard error): "));
}

} // namespace
} // namespace postseal::test
