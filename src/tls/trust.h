// tls/trust.h: whose certificates are believed, loaded once and shared by all TLS sessions
//
// load() reads the system's trust store, or only `ca_file` (PEM) if one is named, of which it
// leaves out what has expired; the error is a sentence for whoever configured it. Immutable
// afterwards, so any thread may use it; sessions keep it alive.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

struct gnutls_certificate_credentials_st;
struct gnutls_priority_st;

namespace postseal::tls {

class Trust {
  public:
    [[nodiscard]] static std::expected<std::shared_ptr<const Trust>, std::string>
    load(const std::string& ca_file);
    // What smtp(8) verifies with (smtp_tls_CAfile, smtp_tls_CApath, tls_append_default_CA): an
    // empty one is none, and without any no chain verifies. Error: a file or folder that cannot be
    // read.
    enum class System { left_out, appended };
    [[nodiscard]] static std::expected<std::shared_ptr<const Trust>, std::string>
    load_for_smtp(const std::string& file, const std::string& folder, System system);
    Trust(const Trust&) = delete;
    Trust& operator=(const Trust&) = delete;
    ~Trust();

    [[nodiscard]] std::size_t roots() const { return roots_; }
    [[nodiscard]] gnutls_certificate_credentials_st* credentials() const { return credentials_; }
    // The system's defaults without what is older than TLS 1.2, and certificates of web PKI's
    // floor: RSA keys of 2048 bits or the like, signatures with SHA-2.
    [[nodiscard]] gnutls_priority_st* priority() const { return priority_; }

  private:
    Trust() = default;
    [[nodiscard]] static std::expected<std::shared_ptr<Trust>, std::string> empty();
    gnutls_certificate_credentials_st* credentials_ = nullptr;
    gnutls_priority_st* priority_ = nullptr;
    std::size_t roots_ = 0;
};

// Of the library at work.
[[nodiscard]] std::string_view gnutls_version();

} // namespace postseal::tls
