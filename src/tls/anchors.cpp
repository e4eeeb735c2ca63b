// SPDX-License-Identifier: BSD-3-Clause
#include "tls/anchors.h"

#include "postseal/dane/certificate_der.h"
#include "tls/certificate_fault.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <ctime>
#include <new>
#include <optional>
#include <string>

namespace postseal::tls {
namespace {

using Result = dane::RecordMatch::Result;

constexpr unsigned period = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
constexpr unsigned not_the_path = ~(period | GNUTLS_CERT_INVALID | GNUTLS_CERT_PURPOSE_MISMATCH);

// GnuTLS takes no const and changes nothing.
gnutls_datum_t datum(std::string_view octets) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(octets.data())),
            static_cast<unsigned>(octets.size())};
}

class TrustList {
  public:
    explicit TrustList(gnutls_x509_crt_t anchor) {
        if (gnutls_x509_trust_list_init(&list_, 0) != 0 ||
            gnutls_x509_trust_list_add_cas(list_, &anchor, 1, 0) != 1)
            throw std::bad_alloc();
    }
    TrustList(const TrustList&) = delete;
    TrustList& operator=(const TrustList&) = delete;
    ~TrustList() { gnutls_x509_trust_list_deinit(list_, 0); }

    // What is wrong with the chain, 0: nothing.
    [[nodiscard]] unsigned verify(const Chain& chain) const {
        std::vector<gnutls_x509_crt_t> list;
        list.reserve(chain.certificates.size());
        for (const Certificate& certificate : chain.certificates)
            list.push_back(certificate.handle());
        std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
        std::array<gnutls_typed_vdata_st, 1> expected{};
        expected[0] = {GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()),
                       0};
        unsigned status = 0;
        const int rc = gnutls_x509_trust_list_verify_crt2(
            list_, list.data(), static_cast<unsigned>(list.size()), expected.data(),
            static_cast<unsigned>(expected.size()), 0, &status, nullptr);
        return rc < 0 ? unsigned{GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND} : status;
    }

  private:
    gnutls_x509_trust_list_t list_ = nullptr;
};

class PublicKey {
  public:
    explicit PublicKey(std::string_view der) {
        if (gnutls_pubkey_init(&key_) != 0) throw std::bad_alloc();
        const gnutls_datum_t octets = datum(der);
        readable_ = gnutls_pubkey_import(key_, &octets, GNUTLS_X509_FMT_DER) == 0;
    }
    PublicKey(const PublicKey&) = delete;
    PublicKey& operator=(const PublicKey&) = delete;
    ~PublicKey() { gnutls_pubkey_deinit(key_); }

    [[nodiscard]] bool has_signed(const Certificate& certificate, std::string_view der) const {
        const auto text = dane::signed_part_of(der);
        const int algorithm = gnutls_x509_crt_get_signature_algorithm(certificate.handle());
        std::array<char, 2048> octets{}; // RSA of 16,384 bits
        std::size_t size = octets.size();
        if (!readable_ || !text || algorithm < 0 ||
            gnutls_x509_crt_get_signature(certificate.handle(), octets.data(), &size) != 0)
            return false;
        const gnutls_datum_t part = datum(*text);
        const gnutls_datum_t signature = datum({octets.data(), size});
        return gnutls_pubkey_verify_data2(key_, static_cast<gnutls_sign_algorithm_t>(algorithm), 0,
                                          &part, &signature) >= 0;
    }

  private:
    gnutls_pubkey_t key_ = nullptr;
    bool readable_ = false;
};

unsigned period_status(const Certificate& certificate) {
    const std::time_t now = std::time(nullptr);
    if (certificate.ends() < now) return GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED;
    if (certificate.begins() > now) return GNUTLS_CERT_INVALID | GNUTLS_CERT_NOT_ACTIVATED;
    return 0;
}

// Of the chain below the topmost certificate that the key has signed; nothing: it signed none.
std::optional<unsigned> verify_to_key(std::string_view spki, const Chain& chain) {
    const PublicKey key(spki);
    for (std::size_t i = chain.certificates.size(); i-- > 0;) {
        const Certificate& certificate = chain.certificates[i];
        if (!key.has_signed(certificate, chain.der[i])) continue;
        if (i == 0) return period_status(certificate);
        return TrustList(certificate.handle()).verify(chain);
    }
    return std::nullopt;
}

std::optional<unsigned> verify_to_record(const dane::Tlsa& record, const Chain& chain) {
    if (record.selector == 1) return verify_to_key(record.data, chain);
    const Certificate anchor(record.data);
    if (!anchor.readable()) return std::nullopt;
    return TrustList(anchor.handle()).verify(chain);
}

} // namespace

void verify_anchor(delivery::TlsaCheck& check, const Chain& chain) {
    std::optional<unsigned> status;
    if (check.match.result == Result::matched) {
        status = TrustList(chain.certificates.at(check.match.depth).handle()).verify(chain);
    } else {
        status = verify_to_record(check.record, chain);
        check.match.depth = chain.certificates.size();
        const bool leads_there = status && (*status & not_the_path) == 0;
        check.match.result = leads_there ? Result::matched : Result::no_match;
        if (!leads_there) return;
    }
    if (*status == 0) return;
    check.fault = (*status & not_the_path) != 0
                      ? "the server's certificate does not lead to it"
                      : certificate_fault(chain.certificates, *status).reason;
}

} // namespace postseal::tls
