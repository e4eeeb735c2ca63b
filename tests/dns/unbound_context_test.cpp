// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_context.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <cstdlib>
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

TEST_CASE("set_up_context: name servers on loopback are asked only if the operator names one") {
    const TempFile loopback_hints(". 3600000 NS ns.\nns. 3600000 A 127.0.0.1\n");
    const TempFile hints(
        ". 3600000 NS ns.\nns. 3600000 A 192.0.2.1\nns. 3600000 AAAA 2001:db8::1\n");
    UnboundOptions options = bare();
    const auto not_asked = [&] { return option(set_up(options), "do-not-query-localhost"); };
    CHECK(not_asked() == "yes");
    options.root_hints = hints.path();
    CHECK(not_asked() == "yes");
    options.root_hints = loopback_hints.path();
    CHECK(not_asked() == "no");
    options = bare();
    options.forward = {"192.0.2.1", "2001:db8::1@53"};
    CHECK(not_asked() == "yes");
    options.forward.emplace_back("::1@5353");
    CHECK(not_asked() == "no");
    options = bare();
    options.stub = {"example.=192.0.2.1@53"};
    CHECK(not_asked() == "yes");
    options.stub.emplace_back("example.net.=127.0.0.2");
    CHECK(not_asked() == "no");
}

TEST_CASE("set_up_context: questions are minimised only if a question's cost is limited") {
    const dns::ContextSetup setup = set_up(bare());
    char* quota = nullptr;
    const bool limited = ub_ctx_get_option(setup.context.get(), "max-global-quota", &quota) == 0;
    const std::unique_ptr<char, decltype(&std::free)> owned(quota, &std::free);
    CHECK(option(setup, "qname-minimisation") == (limited ? "yes" : "no"));
    if (limited) CHECK(std::string(quota) == "200");
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
    CHECK(setup.error().starts_with("libunbound does not take its settings, trust anchors or "
                                    "zones (its own words are on standard error): "));
}

} // namespace
} // namespace postseal::test
