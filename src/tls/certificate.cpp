// SPDX-License-Identifier: BSD-3-Clause
#include "tls/certificate.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <new>
#include <utility>

namespace postseal::tls {
namespace {

std::string distinguished_name(gnutls_x509_crt_t crt,
                               int (*get)(gnutls_x509_crt_t, gnutls_datum_t*)) {
    gnutls_datum_t text{};
    if (get(crt, &text) != 0 || text.size == 0) return "without a name";
    std::string out(reinterpret_cast<const char*>(text.data), text.size);
    gnutls_free(text.data);
    return printable(out, 80);
}

} // namespace

Certificate::Certificate(std::string_view der) {
    if (gnutls_x509_crt_init(&crt_) != 0) throw std::bad_alloc();
    std::string octets(der); // GnuTLS takes no const
    const gnutls_datum_t datum{reinterpret_cast<unsigned char*>(octets.data()),
                               static_cast<unsigned>(octets.size())};
    readable_ = gnutls_x509_crt_import(crt_, &datum, GNUTLS_X509_FMT_DER) == 0;
}

Certificate::Certificate(Certificate&& other) noexcept
    : crt_(std::exchange(other.crt_, nullptr)), readable_(other.readable_) {}

Certificate::~Certificate() {
    if (crt_ != nullptr) gnutls_x509_crt_deinit(crt_);
}

std::string Certificate::subject() const {
    return distinguished_name(crt_, &gnutls_x509_crt_get_dn2);
}
std::string Certificate::issuer() const {
    return distinguished_name(crt_, &gnutls_x509_crt_get_issuer_dn2);
}
bool Certificate::issued_by(const Certificate& other) const {
    return gnutls_x509_crt_check_issuer(crt_, other.crt_) != 0;
}
std::time_t Certificate::begins() const { return gnutls_x509_crt_get_activation_time(crt_); }
std::time_t Certificate::ends() const { return gnutls_x509_crt_get_expiration_time(crt_); }

std::vector<std::string> Certificate::dns_names() const {
    std::vector<std::string> names;
    for (unsigned i = 0;; i++) {
        std::array<char, 256> name{}; // a DNS name has at most 253 octets
        std::size_t size = name.size();
        const int kind = gnutls_x509_crt_get_subject_alt_name(crt_, i, name.data(), &size, nullptr);
        if (kind == GNUTLS_E_SHORT_MEMORY_BUFFER) continue;
        if (kind < 0) return names;
        if (kind == GNUTLS_SAN_DNSNAME) names.emplace_back(name.data(), size);
    }
}

std::string Certificate::common_name() const {
    std::string last;
    for (unsigned i = 0;; i++) {
        std::array<char, 256> name{};
        std::size_t size = name.size();
        if (gnutls_x509_crt_get_dn_by_oid(crt_, GNUTLS_OID_X520_COMMON_NAME, i, 0, name.data(),
                                          &size) != 0)
            return last;
        last.assign(name.data(), size);
    }
}

std::string Certificate::key() const {
    unsigned bits = 0;
    const int algorithm = gnutls_x509_crt_get_pk_algorithm(crt_, &bits);
    if (algorithm < 0) return "of an unknown kind";
    const char* name = gnutls_pk_algorithm_get_name(static_cast<gnutls_pk_algorithm_t>(algorithm));
    return fmt::format("{} {} bits", name != nullptr ? name : "unknown", bits);
}

std::string Certificate::weakness() const {
    constexpr unsigned min_bits = 2048; // of RSA; CA/Browser Forum baseline requirements 6.1.5
    unsigned bits = 0;
    if (gnutls_x509_crt_get_pk_algorithm(crt_, &bits) == GNUTLS_PK_RSA && bits < min_bits)
        return fmt::format("an RSA key of {} bits, not {} or more", bits, min_bits);
    const auto signature =
        static_cast<gnutls_sign_algorithm_t>(gnutls_x509_crt_get_signature_algorithm(crt_));
    const char* name = gnutls_sign_get_name(signature);
    switch (gnutls_sign_get_hash_algorithm(signature)) {
    case GNUTLS_DIG_MD2:
    case GNUTLS_DIG_MD5:
    case GNUTLS_DIG_RMD160:
    case GNUTLS_DIG_SHA1:
        return fmt::format("a signature with {}, not SHA-256 or better",
                           name != nullptr ? name : "an old hash");
    default:
        return {};
    }
}

std::vector<std::string_view> peer_chain_der(gnutls_session_int* session) {
    unsigned size = 0;
    const gnutls_datum_t* list = gnutls_certificate_get_peers(session, &size);
    std::vector<std::string_view> chain;
    chain.reserve(size);
    for (unsigned i = 0; list != nullptr && i < size; i++)
        chain.emplace_back(reinterpret_cast<const char*>(list[i].data), list[i].size);
    return chain;
}

std::vector<Certificate> peer_chain(gnutls_session_int* session) {
    std::vector<Certificate> chain;
    for (const std::string_view der : peer_chain_der(session)) {
        Certificate certificate(der);
        if (!certificate.readable()) break;
        chain.push_back(std::move(certificate));
    }
    return chain;
}

} // namespace postseal::tls
