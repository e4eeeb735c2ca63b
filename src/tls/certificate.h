// tls/certificate.h: an X.509 certificate, as a server sends it
//
// Owns GnuTLS's object. Of one that cannot be read only readable() and destruction are allowed.
// Subject and issuer are printable, at most 80 octets; an empty one says so in words.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

struct gnutls_session_int;
struct gnutls_x509_crt_int;

namespace postseal::tls {

class Certificate {
  public:
    explicit Certificate(std::string_view der);
    Certificate(Certificate&& other) noexcept;
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    Certificate& operator=(Certificate&&) = delete;
    ~Certificate();

    [[nodiscard]] bool readable() const { return readable_; }
    [[nodiscard]] std::string subject() const;
    [[nodiscard]] std::string issuer() const;
    [[nodiscard]] bool self_issued() const { return issued_by(*this); }
    [[nodiscard]] bool issued_by(const Certificate& other) const; // by name and key identifier
    [[nodiscard]] std::time_t begins() const;
    [[nodiscard]] std::time_t ends() const;
    [[nodiscard]] std::vector<std::string> dns_names() const; // subjectAltName
    [[nodiscard]] std::string common_name() const;            // the last; empty: none
    [[nodiscard]] std::string key() const;                    // "RSA 2048 bits"
    // What of it is below web PKI's floor, as in "an RSA key of 1024 bits"; empty: nothing is.
    [[nodiscard]] std::string weakness() const;
    [[nodiscard]] gnutls_x509_crt_int* handle() const { return crt_; }

  private:
    gnutls_x509_crt_int* crt_ = nullptr;
    bool readable_ = false;
};

// What the server of a session has sent, its own first; views into the session.
[[nodiscard]] std::vector<std::string_view> peer_chain_der(gnutls_session_int* session);
// The same up to the first that cannot be read.
[[nodiscard]] std::vector<Certificate> peer_chain(gnutls_session_int* session);

} // namespace postseal::tls
