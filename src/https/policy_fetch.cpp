// SPDX-License-Identifier: BSD-3-Clause
#include "https/policy_fetch.h"

#include <utility>

namespace postseal::https {

std::string_view to_string(FetchFault fault) {
    switch (fault) {
    case FetchFault::dns:
        return "dns";
    case FetchFault::private_address:
        return "private-address";
    case FetchFault::connect:
        return "connect";
    case FetchFault::timeout:
        return "timeout";
    case FetchFault::tls:
        return "tls";
    case FetchFault::cert_untrusted:
        return "cert-untrusted";
    case FetchFault::cert_expired:
        return "cert-expired";
    case FetchFault::cert_name:
        return "cert-name";
    case FetchFault::http:
        return "http";
    case FetchFault::status:
        return "status";
    case FetchFault::media_type:
        return "media-type";
    case FetchFault::too_large:
        return "too-large";
    case FetchFault::policy:
        return "policy";
    case FetchFault::no_turn:
        return "no-turn";
    }
    std::unreachable();
}

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
