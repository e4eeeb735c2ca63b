// SPDX-License-Identifier: BSD-3-Clause
#include "tls/certificates.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace postseal::tls {
namespace {

void check(int rc, const char* what) {
    if (rc < 0) throw std::runtime_error(fmt::format("{}: {}", what, gnutls_strerror(rc)));
}
#define CHECK_TLS(call) check(call, #call)

struct Delete {
    void operator()(gnutls_x509_crt_t crt) const { gnutls_x509_crt_deinit(crt); }
    void operator()(gnutls_x509_privkey_t key) const { gnutls_x509_privkey_deinit(key); }
};
using Crt = std::unique_ptr<gnutls_x509_crt_int, Delete>;
using Key = std::unique_ptr<gnutls_x509_privkey_int, Delete>;

gnutls_datum_t datum(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

std::string take(gnutls_datum_t& out) {
    std::string text(reinterpret_cast<const char*>(out.data), out.size);
    gnutls_free(out.data);
    return text;
}

Crt new_crt() {
    gnutls_x509_crt_t crt = nullptr;
    CHECK_TLS(gnutls_x509_crt_init(&crt));
    return Crt(crt);
}

Key new_key() {
    gnutls_x509_privkey_t key = nullptr;
    CHECK_TLS(gnutls_x509_privkey_init(&key));
    return Key(key);
}

Key make_key() {
    Key key = new_key();
    CHECK_TLS(gnutls_x509_privkey_generate(key.get(), GNUTLS_PK_ECDSA,
                                           GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    return key;
}

Key make_rsa_key(unsigned bits) {
    Key key = new_key();
    CHECK_TLS(gnutls_x509_privkey_generate(key.get(), GNUTLS_PK_RSA, bits, 0));
    return key;
}

std::string to_pem(const Crt& crt) {
    gnutls_datum_t out{};
    CHECK_TLS(gnutls_x509_crt_export2(crt.get(), GNUTLS_X509_FMT_PEM, &out));
    return take(out);
}

std::string to_pem(const Key& key) {
    gnutls_datum_t out{};
    CHECK_TLS(gnutls_x509_privkey_export2(key.get(), GNUTLS_X509_FMT_PEM, &out));
    return take(out);
}

std::time_t in_days(std::chrono::days days) {
    return std::time(nullptr) + std::chrono::seconds(days).count();
}

// All but the signature.
Crt unsigned_crt(const Subject& subject, const Key& key, bool authority) {
    static unsigned last_serial = 0;
    Crt crt = new_crt();
    const auto serial = static_cast<unsigned char>(++last_serial);
    CHECK_TLS(gnutls_x509_crt_set_version(crt.get(), 3));
    CHECK_TLS(gnutls_x509_crt_set_serial(crt.get(), &serial, 1));
    CHECK_TLS(gnutls_x509_crt_set_activation_time(crt.get(), in_days(subject.begins)));
    CHECK_TLS(gnutls_x509_crt_set_expiration_time(crt.get(), in_days(subject.ends)));
    if (!subject.common_name.empty())
        CHECK_TLS(gnutls_x509_crt_set_dn_by_oid(crt.get(), GNUTLS_OID_X520_COMMON_NAME, 0,
                                                subject.common_name.data(),
                                                static_cast<unsigned>(subject.common_name.size())));
    CHECK_TLS(gnutls_x509_crt_set_key(crt.get(), key.get()));
    CHECK_TLS(gnutls_x509_crt_set_basic_constraints(crt.get(), authority ? 1 : 0, -1));
    CHECK_TLS(gnutls_x509_crt_set_key_usage(crt.get(), authority ? GNUTLS_KEY_KEY_CERT_SIGN
                                                                 : GNUTLS_KEY_DIGITAL_SIGNATURE));
    for (const std::string& name : subject.dns_names)
        CHECK_TLS(gnutls_x509_crt_set_subject_alt_name(crt.get(), GNUTLS_SAN_DNSNAME, name.data(),
                                                       static_cast<unsigned>(name.size()),
                                                       GNUTLS_FSAN_APPEND));
    if (!authority)
        CHECK_TLS(gnutls_x509_crt_set_key_purpose_oid(
            crt.get(), subject.for_servers ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT,
            0));
    return crt;
}

void sign(const Crt& crt, const Crt& issuer, const Key& key,
          gnutls_digest_algorithm_t hash = GNUTLS_DIG_SHA256) {
    CHECK_TLS(gnutls_x509_crt_sign2(crt.get(), issuer.get(), key.get(), hash, 0));
}

struct Signer {
    Signer(const std::string& crt_text, const std::string& key_text) {
        const gnutls_datum_t crt_pem = datum(crt_text);
        const gnutls_datum_t key_pem = datum(key_text);
        CHECK_TLS(gnutls_x509_crt_import(crt.get(), &crt_pem, GNUTLS_X509_FMT_PEM));
        CHECK_TLS(gnutls_x509_privkey_import(key.get(), &key_pem, GNUTLS_X509_FMT_PEM));
    }
    Crt crt = new_crt();
    Key key = new_key();
};

Crt authority_below(const Signer& root, const Key& key, std::chrono::days begins,
                    std::chrono::days ends) {
    Crt middle = unsigned_crt(
        {.common_name = "Middle CA", .dns_names = {}, .begins = begins, .ends = ends}, key, true);
    sign(middle, root.crt, root.key);
    return middle;
}

} // namespace

Authority::Authority(const std::string& common_name) : name_(common_name) {
    const Key key = make_key();
    const Crt crt = unsigned_crt(
        {.common_name = common_name, .dns_names = {}, .ends = std::chrono::days(365)}, key, true);
    sign(crt, crt, key);
    certificate_ = to_pem(crt);
    key_ = to_pem(key);
}

Identity Authority::issue(const Subject& subject) const {
    const Crt issuer = new_crt();
    const Key issuer_key = new_key();
    const gnutls_datum_t crt_pem = datum(certificate_);
    const gnutls_datum_t key_pem = datum(key_);
    CHECK_TLS(gnutls_x509_crt_import(issuer.get(), &crt_pem, GNUTLS_X509_FMT_PEM));
    CHECK_TLS(gnutls_x509_privkey_import(issuer_key.get(), &key_pem, GNUTLS_X509_FMT_PEM));
    const Key key = subject.rsa_bits == 0 ? make_key() : make_rsa_key(subject.rsa_bits);
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, issuer, issuer_key);
    return {to_pem(crt), to_pem(key)};
}

Identity Authority::issue_by_twins(const Subject& subject) const {
    using std::chrono::days;
    const Signer root(certificate_, key_);
    const Key middle_key = make_key();
    const Crt expired = authority_below(root, middle_key, days(-60), days(-3));
    const Crt good = authority_below(root, middle_key, days(-60), days(30));
    const Key key = make_key();
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, good, middle_key);
    return {to_pem(crt) + to_pem(expired) + to_pem(good), to_pem(key)};
}

Identity Authority::issue_by_weak(const Subject& subject, unsigned rsa_bits) const {
    using std::chrono::days;
    const Signer root(certificate_, key_);
    const Key middle_key = make_rsa_key(rsa_bits);
    const Crt middle = authority_below(root, middle_key, days(-60), days(30));
    const Key key = make_key();
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, middle, middle_key);
    return {to_pem(crt) + to_pem(middle), to_pem(key)};
}

Identity Authority::issue_with_sha1(const Subject& subject) const {
    const Signer root(certificate_, key_);
    const Key key = make_key();
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, root.crt, root.key, GNUTLS_DIG_SHA1);
    return {to_pem(crt), to_pem(key)};
}

std::string Authority::expired_twin() const {
    using std::chrono::days;
    const Key key = make_key();
    const Crt crt = unsigned_crt(
        {.common_name = name_, .dns_names = {}, .begins = days(-1), .ends = days(1)}, key, true);
    CHECK_TLS(gnutls_x509_crt_set_activation_time(crt.get(), std::time(nullptr) - 3600));
    CHECK_TLS(gnutls_x509_crt_set_expiration_time(crt.get(), std::time(nullptr) - 60));
    sign(crt, crt, key);
    return to_pem(crt);
}

Identity Authority::issue_by_intermediate(const Subject& subject, std::chrono::days ends) const {
    const Crt root = new_crt();
    const Key root_key = new_key();
    const gnutls_datum_t crt_pem = datum(certificate_);
    const gnutls_datum_t key_pem = datum(key_);
    CHECK_TLS(gnutls_x509_crt_import(root.get(), &crt_pem, GNUTLS_X509_FMT_PEM));
    CHECK_TLS(gnutls_x509_privkey_import(root_key.get(), &key_pem, GNUTLS_X509_FMT_PEM));
    const Key middle_key = make_key();
    const Crt middle = unsigned_crt({.common_name = "Middle CA",
                                     .dns_names = {},
                                     .begins = std::chrono::days(-60),
                                     .ends = ends},
                                    middle_key, true);
    sign(middle, root, root_key);
    const Key key = make_key();
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, middle, middle_key);
    return {to_pem(crt) + to_pem(middle), to_pem(key)};
}

Identity self_signed(const Subject& subject) {
    const Key key = make_key();
    const Crt crt = unsigned_crt(subject, key, false);
    sign(crt, crt, key);
    return {to_pem(crt), to_pem(key)};
}

std::string date_in(std::chrono::days days) {
    return fmt::format("{:%Y-%m-%d}", fmt::gmtime(in_days(days)));
}

TemporaryFile::TemporaryFile(const std::string& content) {
    std::string name = (std::filesystem::temp_directory_path() / "https_test.XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    if (fd < 0) throw std::runtime_error("mkstemp " + name);
    ::close(fd);
    path_ = name;
    std::ofstream(path_) << content;
}

TemporaryFile::~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

} // namespace postseal::tls
