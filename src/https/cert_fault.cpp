// SPDX-License-Identifier: BSD-3-Clause
#include "https/cert_fault.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

namespace postseal::https {
namespace {

constexpr std::size_t names_shown = 3;

class Certificate {
  public:
    explicit Certificate(const gnutls_datum_t& der) {
        gnutls_x509_crt_init(&crt_);
        readable_ = gnutls_x509_crt_import(crt_, &der, GNUTLS_X509_FMT_DER) == 0;
    }
    Certificate(Certificate&& other) noexcept
        : crt_(std::exchange(other.crt_, nullptr)), readable_(other.readable_) {}
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    Certificate& operator=(Certificate&&) = delete;
    ~Certificate() {
        if (crt_ != nullptr) gnutls_x509_crt_deinit(crt_);
    }

    [[nodiscard]] bool readable() const { return readable_; }
    [[nodiscard]] std::string subject() const { return dn(&gnutls_x509_crt_get_dn2); }
    [[nodiscard]] std::string issuer() const { return dn(&gnutls_x509_crt_get_issuer_dn2); }
    [[nodiscard]] bool self_issued() const { return gnutls_x509_crt_check_issuer(crt_, crt_) != 0; }
    [[nodiscard]] std::time_t begins() const { return gnutls_x509_crt_get_activation_time(crt_); }
    [[nodiscard]] std::time_t ends() const { return gnutls_x509_crt_get_expiration_time(crt_); }

    [[nodiscard]] std::vector<std::string> dns_names() const {
        std::vector<std::string> names;
        for (unsigned i = 0;; i++) {
            std::array<char, 256> name{}; // a DNS name has at most 253 octets
            std::size_t size = name.size();
            const int kind =
                gnutls_x509_crt_get_subject_alt_name(crt_, i, name.data(), &size, nullptr);
            if (kind == GNUTLS_E_SHORT_MEMORY_BUFFER) continue;
            if (kind < 0) return names;
            if (kind == GNUTLS_SAN_DNSNAME) names.emplace_back(name.data(), size);
        }
    }

  private:
    std::string dn(int (*get)(gnutls_x509_crt_t, gnutls_datum_t*)) const {
        gnutls_datum_t text{};
        if (get(crt_, &text) != 0 || text.size == 0) return "without a name";
        std::string out(reinterpret_cast<const char*>(text.data), text.size);
        gnutls_free(text.data);
        return printable(out, 80);
    }
    gnutls_x509_crt_t crt_ = nullptr;
    bool readable_ = false;
};

// As the server sent them, its own first.
std::vector<Certificate> peer_chain(gnutls_session_t session) {
    unsigned size = 0;
    const gnutls_datum_t* list = gnutls_certificate_get_peers(session, &size);
    std::vector<Certificate> chain;
    for (unsigned i = 0; list != nullptr && i < size; i++) {
        Certificate certificate(list[i]);
        if (!certificate.readable()) break;
        chain.push_back(std::move(certificate));
    }
    return chain;
}

std::string date(std::time_t time) {
    using namespace std::chrono;
    const year_month_day day(floor<days>(sys_seconds(seconds(time))));
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::string names_of(const Certificate& leaf) {
    std::vector<std::string> names = leaf.dns_names();
    if (names.empty())
        return fmt::format("certificate names no host in subjectAltName (subject {})",
                           leaf.subject());
    const std::size_t all = names.size();
    if (all > names_shown) names.resize(names_shown);
    for (std::string& name : names)
        name = printable(name, 60);
    std::string text = fmt::format("certificate is for {}", fmt::join(names, ", "));
    if (all > names_shown) text += fmt::format(" and {} more names", all - names_shown);
    return text;
}

std::string period_of(const std::vector<Certificate>& chain, std::time_t now) {
    for (std::size_t i = 0; i < chain.size(); i++) {
        const std::string which =
            i == 0 ? "certificate" : fmt::format("intermediate certificate {}", chain[i].subject());
        if (chain[i].ends() < now)
            return fmt::format("{} expired on {}", which, date(chain[i].ends()));
        if (chain[i].begins() > now)
            return fmt::format("{} is not valid before {}", which, date(chain[i].begins()));
    }
    return "certificate's chain has expired or is not yet valid";
}

std::string distrust_of(const std::vector<Certificate>& chain, unsigned status) {
    const Certificate& leaf = chain.front();
    if (status & GNUTLS_CERT_REVOKED)
        return fmt::format("certificate is revoked (subject {})", leaf.subject());
    if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
        if (leaf.self_issued())
            return fmt::format("certificate is self-signed (subject {})", leaf.subject());
        return fmt::format("certificate has no chain to the trust store (issuer {})",
                           chain.back().issuer());
    }
    if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
        return fmt::format("certificate is not for TLS servers (subject {})", leaf.subject());
    gnutls_datum_t words{};
    std::string text = "certificate is not trusted";
    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0) == 0) {
        const std::string_view all(reinterpret_cast<const char*>(words.data), words.size);
        text = fmt::format("{} (subject {})", printable(trim(all), 160), leaf.subject());
        gnutls_free(words.data);
    }
    return text;
}

} // namespace

FetchError certificate_fault(gnutls_session_int* session, unsigned status) {
    constexpr unsigned period = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
    constexpr unsigned name = GNUTLS_CERT_UNEXPECTED_OWNER;
    const std::vector<Certificate> chain = peer_chain(session);
    if (chain.empty())
        return {FetchFault::cert_untrusted, "no certificate, or one that cannot be read"};
    const bool untrusted =
        (status & ~(period | name | GNUTLS_CERT_INVALID)) != 0 || (status & (period | name)) == 0;

    std::vector<std::string> parts;
    if (untrusted) parts.push_back(distrust_of(chain, status));
    if (status & period) parts.push_back(period_of(chain, std::time(nullptr)));
    if (status & name) parts.push_back(names_of(chain.front()));
    const FetchFault fault = untrusted         ? FetchFault::cert_untrusted
                             : status & period ? FetchFault::cert_expired
                                               : FetchFault::cert_name;
    return {fault, fmt::format("{}", fmt::join(parts, "; "))};
}

std::optional<FetchError> missing_dns_id(gnutls_session_int* session) {
    const std::vector<Certificate> chain = peer_chain(session);
    if (!chain.empty() && !chain.front().dns_names().empty()) return std::nullopt;
    if (chain.empty()) return FetchError{FetchFault::cert_untrusted, "no certificate"};
    return FetchError{FetchFault::cert_name, names_of(chain.front())};
}

} // namespace postseal::https
