// SPDX-License-Identifier: BSD-3-Clause
#include "https/policy_fetch.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace postseal::https {
namespace {

constexpr FetchFault all[] = {
    FetchFault::dns,          FetchFault::private_address,
    FetchFault::connect,      FetchFault::timeout,
    FetchFault::tls,          FetchFault::cert_untrusted,
    FetchFault::cert_expired, FetchFault::cert_name,
    FetchFault::http,         FetchFault::status,
    FetchFault::media_type,   FetchFault::too_large,
    FetchFault::policy,       FetchFault::no_turn,
};

TEST_CASE("fetch fault: each has a name of its own") {
    std::set<std::string_view> names;
    for (const FetchFault fault : all)
        names.insert(to_string(fault));
    CHECK(names.size() == std::size(all));
    CHECK(to_string(FetchFault::cert_expired) == "cert-expired");
    CHECK(to_string(FetchFault::policy) == "policy");
}

TEST_CASE("fetch fault: what a TLS report calls it (RFC 8460 section 4.3.2.2)") {
    for (const FetchFault fault : all) {
        CAPTURE(to_string(fault));
        std::string_view expected = "sts-policy-fetch-error";
        if (to_string(fault).starts_with("cert-")) expected = "sts-webpki-invalid";
        if (fault == FetchFault::policy) expected = "sts-policy-invalid";
        if (fault == FetchFault::no_turn) expected = ""; // not the other side's
        CHECK(tlsrpt_result(fault) == expected);
    }
}

} // namespace
} // namespace postseal::https
