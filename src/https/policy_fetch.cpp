// SPDX-License-Identifier: BSD-3-Clause
#include "https/policy_fetch.h"

#include "postseal/base/names.h"

#include <utility>

namespace postseal::https {

constexpr auto fetch_fault_names = names_for<FetchFault>({
    {FetchFault::dns, "dns"},
    {FetchFault::private_address, "private-address"},
    {FetchFault::connect, "connect"},
    {FetchFault::timeout, "timeout"},
    {FetchFault::tls, "tls"},
    {FetchFault::cert_untrusted, "cert-untrusted"},
    {FetchFault::cert_expired, "cert-expired"},
    {FetchFault::cert_name, "cert-name"},
    {FetchFault::http, "http"},
    {FetchFault::status, "status"},
    {FetchFault::media_type, "media-type"},
    {FetchFault::too_large, "too-large"},
    {FetchFault::policy, "policy"},
    {FetchFault::no_turn, "no-turn"},
});
std::string_view to_string(FetchFault fault) { return fetch_fault_names[fault]; }

std::string_view tlsrpt_result(FetchFault fault) {
    switch (fault) {
    case FetchFault::cert_untrusted:
    case FetchFault::cert_expired:
    case FetchFault::cert_name:
        return "sts-webpki-invalid";
    case FetchFault::policy:
        return "sts-policy-invalid";
    case FetchFault::no_turn:
        return "";
    default:
        return "sts-policy-fetch-error";
    }
}

FetchError fetch_error(tls::Error error) {
    FetchFault fault = FetchFault::tls;
    switch (error.fault) {
    case tls::Fault::connect:
        fault = error.ours ? FetchFault::no_turn : FetchFault::connect;
        break;
    case tls::Fault::protocol:
        break;
    case tls::Fault::truncated:
        fault = FetchFault::http;
        break;
    case tls::Fault::cert_untrusted:
        fault = FetchFault::cert_untrusted;
        break;
    case tls::Fault::cert_expired:
        fault = FetchFault::cert_expired;
        break;
    case tls::Fault::cert_name:
        fault = FetchFault::cert_name;
        break;
    }
    return {.fault = fault, .reason = std::move(error.reason), .ours = false, .body = {}};
}

} // namespace postseal::https
