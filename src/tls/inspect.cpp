// SPDX-License-Identifier: BSD-3-Clause
#include "tls/inspect.h"

#include "postseal/base/text.h"
#include "postseal/dane/certificate_der.h"
#include "postseal/dane/match.h"
#include "tls/anchors.h"
#include "tls/certificate.h"
#include "tls/certificate_fault.h"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <chrono>
#include <utility>

namespace postseal::tls {
namespace {

using Result = dane::RecordMatch::Result;

constexpr std::uint8_t trust_anchor = 2;

std::string digest(gnutls_digest_algorithm_t algorithm, std::string_view octets) {
    std::string out(gnutls_hash_get_len(algorithm), '\0');
    if (gnutls_hash_fast(algorithm, octets.data(), octets.size(), out.data()) != 0) return {};
    return out;
}

dane::Associations associations(std::string_view der) {
    dane::Associations out;
    // Without a key that can be found nothing matches its place.
    const std::array<std::string_view, 2> selected{der, dane::public_key_of(der).value_or("")};
    for (std::size_t selector = 0; selector < selected.size(); selector++) {
        const std::string_view octets = selected.at(selector);
        if (octets.empty()) continue;
        out.data.at(selector) = {std::string(octets), digest(GNUTLS_DIG_SHA256, octets),
                                 digest(GNUTLS_DIG_SHA512, octets)};
    }
    return out;
}

delivery::Certificate certificate_of(const Certificate& certificate, std::string_view der) {
    const auto wall = [](std::time_t time) { return WallTime(std::chrono::seconds(time)); };
    return {.subject = certificate.subject(),
            .issuer = certificate.issuer(),
            .dns_names = certificate.dns_names(),
            .common_name = certificate.common_name(),
            .begins = wall(certificate.begins()),
            .ends = wall(certificate.ends()),
            .key = certificate.key(),
            .associations = associations(der)};
}

std::string cipher_of(gnutls_session_t session) {
    const char* name = gnutls_ciphersuite_get(session);
    return name != nullptr ? name : "";
}

// Against the trust store, for a TLS server; names are for whoever judges.
std::string chain_fault(gnutls_session_t session, const Chain& chain) {
    std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
    std::array<gnutls_typed_vdata_st, 1> expected{};
    expected[0] = {GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()), 0};
    unsigned status = 0;
    const int rc = gnutls_certificate_verify_peers(session, expected.data(),
                                                   static_cast<unsigned>(expected.size()), &status);
    if (rc < 0) return fmt::format("the chain cannot be verified: {}", gnutls_strerror(rc));
    if (status == 0) return {};
    return certificate_fault(chain.certificates, status).reason;
}

std::vector<delivery::TlsaCheck> checks(const std::vector<dane::Tlsa>& records, const Chain& chain,
                                        const std::vector<delivery::Certificate>& certificates) {
    std::vector<dane::Associations> shown;
    shown.reserve(certificates.size());
    for (const delivery::Certificate& certificate : certificates)
        shown.push_back(certificate.associations);
    std::vector<dane::RecordMatch> matches = dane::match(records, shown);
    std::vector<delivery::TlsaCheck> out;
    out.reserve(records.size());
    for (std::size_t i = 0; i < records.size(); i++) {
        delivery::TlsaCheck check{
            .record = records[i], .match = std::move(matches[i]), .fault = {}};
        const Result result = check.match.result;
        if (records[i].usage == trust_anchor &&
            (result == Result::matched || result == Result::not_in_chain))
            verify_anchor(check, chain);
        out.push_back(std::move(check));
    }
    return out;
}

} // namespace

std::expected<delivery::Tls, std::string> inspect(const Stream& stream, std::string server_name,
                                                  const std::vector<dane::Tlsa>& records) {
    gnutls_session_t session = stream.session();
    Chain chain{.certificates = peer_chain(session), .der = peer_chain_der(session)};
    chain.der.resize(chain.certificates.size());
    if (chain.certificates.empty())
        return std::unexpected("the server presents no certificate that can be read");

    const gnutls_protocol_t version = gnutls_protocol_get_version(session);
    const char* version_name = gnutls_protocol_get_name(version);
    delivery::Tls tls{.version = version_name != nullptr ? version_name : "TLS",
                      .cipher = cipher_of(session),
                      .old = version < GNUTLS_TLS1_2,
                      .server_name = std::move(server_name),
                      .chain = {},
                      .chain_fault = chain_fault(session, chain),
                      .tlsa = {}};
    for (std::size_t i = 0; i < chain.der.size(); i++)
        tls.chain.push_back(certificate_of(chain.certificates[i], chain.der[i]));
    tls.tlsa = checks(records, chain, tls.chain);
    return tls;
}

} // namespace postseal::tls
