// SPDX-License-Identifier: BSD-3-Clause
#include "bench/certificates.h"

#include "bench/endpoint.h"

#include <array>
#include <ctime>
#include <fstream>
#include <iterator>

namespace postseal::bench {
namespace {

constexpr time_t day = 24 * 3600;

void must(int rc, const char* what) {
    if (rc < 0) die("{}: {}", what, gnutls_strerror(rc));
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) die_of(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

gnutls_datum_t datum(std::string& octets) {
    return {reinterpret_cast<unsigned char*>(octets.data()), static_cast<unsigned>(octets.size())};
}

} // namespace

Certificates::Certificates(const std::string& authority_file, const std::string& key_file) {
    std::string certificate = read_file(authority_file);
    std::string key = read_file(key_file);
    const gnutls_datum_t certificate_pem = datum(certificate);
    const gnutls_datum_t key_pem = datum(key);
    gnutls_x509_crt_init(&authority_);
    gnutls_x509_privkey_init(&authority_key_);
    gnutls_x509_privkey_init(&host_key_);
    gnutls_privkey_init(&host_signer_);
    must(gnutls_x509_crt_import(authority_, &certificate_pem, GNUTLS_X509_FMT_PEM),
         "the authority's certificate");
    must(gnutls_x509_privkey_import(authority_key_, &key_pem, GNUTLS_X509_FMT_PEM),
         "the authority's key");
    must(gnutls_x509_privkey_generate(host_key_, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
         "the hosts' key");
    must(gnutls_privkey_import_x509(host_signer_, host_key_, 0), "the hosts' key");
    must(gnutls_certificate_allocate_credentials(&credentials_), "credentials");
    gnutls_certificate_set_retrieve_function2(credentials_, &Certificates::choose);
}

Certificates::~Certificates() {
    gnutls_certificate_free_credentials(credentials_);
    for (auto& [host, certificate] : made_)
        gnutls_pcert_deinit(&certificate);
    gnutls_privkey_deinit(host_signer_);
    gnutls_x509_privkey_deinit(host_key_);
    gnutls_x509_privkey_deinit(authority_key_);
    gnutls_x509_crt_deinit(authority_);
}

// The session's pointer is its Certificates.
int Certificates::choose(gnutls_session_t session, const gnutls_datum_t*, int,
                         const gnutls_pk_algorithm_t*, int, gnutls_pcert_st** certificate,
                         unsigned* count, gnutls_privkey_t* key) {
    auto& self = *static_cast<Certificates*>(gnutls_session_get_ptr(session));
    std::array<char, 256> name{};
    std::size_t size = name.size();
    unsigned type = 0;
    if (gnutls_server_name_get(session, name.data(), &size, &type, 0) < 0) return -1;
    *certificate = self.find({name.data(), size});
    *count = 1;
    *key = self.host_signer_;
    return 0;
}

gnutls_pcert_st* Certificates::find(const std::string& host) {
    const auto [found, is_new] = made_.try_emplace(host);
    if (is_new) make(found->second, host);
    return &found->second;
}

void Certificates::make(gnutls_pcert_st& certificate, const std::string& host) {
    gnutls_x509_crt_t crt = nullptr;
    gnutls_x509_crt_init(&crt);
    const time_t now = ::time(nullptr);
    const std::string serial = std::to_string(++last_serial_);
    std::array<unsigned char, 64> authority_id{};
    std::size_t id_size = authority_id.size();
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, serial.data(), serial.size());
    gnutls_x509_crt_set_activation_time(crt, now - day);
    gnutls_x509_crt_set_expiration_time(crt, now + 30 * day);
    gnutls_x509_crt_set_key(crt, host_key_);
    // Without a subject the names would have to be critical (RFC 5280 section 4.2.1.6).
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, host.data(),
                                  static_cast<unsigned>(host.size()));
    gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, host.data(),
                                         static_cast<unsigned>(host.size()), GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (gnutls_x509_crt_get_subject_key_id(authority_, authority_id.data(), &id_size, nullptr) == 0)
        gnutls_x509_crt_set_authority_key_id(crt, authority_id.data(), id_size);
    must(gnutls_x509_crt_sign2(crt, authority_, authority_key_, GNUTLS_DIG_SHA256, 0),
         host.c_str());
    must(gnutls_pcert_import_x509(&certificate, crt, 0), host.c_str());
    gnutls_x509_crt_deinit(crt);
}

} // namespace postseal::bench
