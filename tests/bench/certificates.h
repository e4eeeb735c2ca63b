// bench/certificates.h: a certificate for any host name, made when it is first asked for
//
// All have one key, and are signed by the private authority of the test world (PEM files).
// prepare() makes them before anybody waits for one; a tenth of a millisecond each.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <string>
#include <unordered_map>

namespace postseal::bench {

class Certificates {
  public:
    Certificates(const std::string& authority_file, const std::string& key_file);
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;
    ~Certificates();

    void prepare(const std::string& host) { (void)find(host); }
    // For all sessions of the server; chooses by the name in the handshake.
    [[nodiscard]] gnutls_certificate_credentials_t credentials() const { return credentials_; }

  private:
    static int choose(gnutls_session_t session, const gnutls_datum_t*, int,
                      const gnutls_pk_algorithm_t*, int, gnutls_pcert_st** certificate,
                      unsigned* count, gnutls_privkey_t* key);
    gnutls_pcert_st* find(const std::string& host);
    void make(gnutls_pcert_st& certificate, const std::string& host);

    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_x509_crt_t authority_ = nullptr;
    gnutls_x509_privkey_t authority_key_ = nullptr;
    gnutls_x509_privkey_t host_key_ = nullptr;
    gnutls_privkey_t host_signer_ = nullptr;
    std::unordered_map<std::string, gnutls_pcert_st> made_; // nodes stay where they are
    unsigned last_serial_ = 1000;
};

} // namespace postseal::bench
