// SPDX-License-Identifier: BSD-3-Clause
#include "tls/trust.h"

#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <new>
#include <system_error>
#include <vector>

namespace postseal::tls {
namespace {

// GnuTLS does not tell why it cannot read a file; 0: it can.
int read_error(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    char octet = 0;
    const int error = ::read(fd, &octet, 1) < 0 ? errno : 0;
    ::close(fd);
    return error;
}

// GnuTLS takes one root of a name for the issuer, and refuses the chain if that one has expired;
// OpenSSL tries its twin. So expired roots are left out, unless there are no others. Gives how many
// were added, or GnuTLS's error.
int add_unexpired(gnutls_certificate_credentials_t credentials, const std::string& file) {
    gnutls_datum_t pem{};
    if (const int rc = gnutls_load_file(file.c_str(), &pem); rc < 0) return rc;
    gnutls_x509_crt_t* list = nullptr;
    unsigned size = 0;
    const int rc = gnutls_x509_crt_list_import2(&list, &size, &pem, GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(pem.data);
    if (rc < 0) return rc;
    std::vector<gnutls_x509_crt_t> all(list, list + size);
    std::vector<gnutls_x509_crt_t> good;
    const std::time_t now = std::time(nullptr);
    std::ranges::copy_if(all, std::back_inserter(good), [now](gnutls_x509_crt_t crt) {
        return gnutls_x509_crt_get_expiration_time(crt) >= now;
    });
    auto& taken = good.empty() ? all : good;
    const int added = gnutls_certificate_set_x509_trust(credentials, taken.data(),
                                                        static_cast<int>(taken.size()));
    for (gnutls_x509_crt_t crt : all)
        gnutls_x509_crt_deinit(crt);
    gnutls_free(static_cast<void*>(list));
    return added;
}

std::expected<std::size_t, std::string> load_file(gnutls_certificate_credentials_t credentials,
                                                  const std::string& file) {
    if (const int error = read_error(file); error != 0)
        return std::unexpected(fmt::format("cannot read the CA file {}: {}", file,
                                           std::generic_category().message(error)));
    const int found = add_unexpired(credentials, file);
    if (found == 0 || found == GNUTLS_E_NO_CERTIFICATE_FOUND)
        return std::unexpected(fmt::format("the CA file {} has no certificate in PEM form", file));
    if (found < 0)
        return std::unexpected(
            fmt::format("cannot use the CA file {}: {}", file, gnutls_strerror(found)));
    return static_cast<std::size_t>(found);
}

std::expected<std::size_t, std::string> load_system(gnutls_certificate_credentials_t credentials) {
    const int found = gnutls_certificate_set_x509_system_trust(credentials);
    if (found < 0)
        return std::unexpected(
            fmt::format("cannot load the system's trust store: {}", gnutls_strerror(found)));
    if (found == 0)
        return std::unexpected("the system's trust store has no certificate; install "
                               "ca-certificates or set https.ca_file");
    return static_cast<std::size_t>(found);
}

} // namespace

std::expected<std::shared_ptr<Trust>, std::string> Trust::empty() {
    std::shared_ptr<Trust> trust(new Trust);
    if (gnutls_certificate_allocate_credentials(&trust->credentials_) < 0) throw std::bad_alloc();
    // The profile is what web PKI demands: RSA of 2048 bits, SHA-2.
    if (const int rc =
            gnutls_priority_init2(&trust->priority_, "-VERS-TLS1.0:-VERS-TLS1.1:%PROFILE_MEDIUM",
                                  nullptr, GNUTLS_PRIORITY_INIT_DEF_APPEND);
        rc < 0)
        return std::unexpected(fmt::format("GnuTLS's priorities cannot be set (see its system-wide "
                                           "configuration): {}",
                                           gnutls_strerror(rc)));
    return trust;
}

std::expected<std::shared_ptr<const Trust>, std::string> Trust::load(const std::string& ca_file) {
    auto trust = empty();
    if (!trust) return std::unexpected(trust.error());
    const auto found = ca_file.empty() ? load_system((*trust)->credentials_)
                                       : load_file((*trust)->credentials_, ca_file);
    if (!found) return std::unexpected(found.error());
    (*trust)->roots_ = *found;
    return *trust;
}

std::expected<std::shared_ptr<const Trust>, std::string>
Trust::load_for_smtp(const std::string& file, const std::string& folder, System system) {
    auto trust = empty();
    if (!trust) return std::unexpected(trust.error());
    if (!file.empty()) {
        const auto found = load_file((*trust)->credentials_, file);
        if (!found) return std::unexpected(found.error());
        (*trust)->roots_ += *found;
    }
    if (!folder.empty()) {
        const int found = gnutls_certificate_set_x509_trust_dir(
            (*trust)->credentials_, folder.c_str(), GNUTLS_X509_FMT_PEM);
        if (found > 0) (*trust)->roots_ += static_cast<std::size_t>(found);
    }
    if (system == System::appended)
        (*trust)->roots_ += load_system((*trust)->credentials_).value_or(0);
    return *trust;
}

Trust::~Trust() {
    if (priority_ != nullptr) gnutls_priority_deinit(priority_);
    if (credentials_ != nullptr) gnutls_certificate_free_credentials(credentials_);
}

std::string_view gnutls_version() { return gnutls_check_version(nullptr); }

} // namespace postseal::tls
