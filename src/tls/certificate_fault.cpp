// SPDX-License-Identifier: BSD-3-Clause
#include "tls/certificate_fault.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <vector>

namespace postseal::tls {
namespace {

constexpr std::size_t names_shown = 3;

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

// Where the path from the server's own certificate ends: its issuer is not among those sent.
const Certificate& end_of_path(const std::vector<Certificate>& chain) {
    const Certificate* last = &chain.front();
    for (std::size_t steps = 1; steps < chain.size() && !last->self_issued(); steps++) {
        const auto issuer = std::ranges::find_if(
            chain, [&](const Certificate& other) { return last->issued_by(other); });
        if (issuer == chain.end()) break;
        last = &*issuer;
    }
    return *last;
}

// A root's own signature is not looked at, its key is.
std::string weakness_of(const std::vector<Certificate>& chain) {
    for (std::size_t i = 0; i < chain.size(); i++) {
        const std::string what = chain[i].weakness();
        if (what.empty()) continue;
        return fmt::format("{} has {}",
                           i == 0 ? "certificate"
                                  : fmt::format("intermediate certificate {}", chain[i].subject()),
                           what);
    }
    return fmt::format("certificate's chain has a key or signature below RSA 2048 and SHA-256 "
                       "(issuer {})",
                       end_of_path(chain).issuer());
}

std::string distrust_of(const std::vector<Certificate>& chain, unsigned status) {
    const Certificate& leaf = chain.front();
    if (status & GNUTLS_CERT_REVOKED)
        return fmt::format("certificate is revoked (subject {})", leaf.subject());
    if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
        if (leaf.self_issued())
            return fmt::format("certificate is self-signed (subject {})", leaf.subject());
        return fmt::format("certificate has no chain to the trust store (issuer {})",
                           end_of_path(chain).issuer());
    }
    if (status & GNUTLS_CERT_INSECURE_ALGORITHM) return weakness_of(chain);
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

Error certificate_fault(const std::vector<Certificate>& chain, unsigned status) {
    constexpr unsigned period = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
    constexpr unsigned name = GNUTLS_CERT_UNEXPECTED_OWNER;
    if (chain.empty()) return {Fault::cert_untrusted, "no certificate, or one that cannot be read"};
    const bool untrusted =
        (status & ~(period | name | GNUTLS_CERT_INVALID)) != 0 || (status & (period | name)) == 0;

    std::vector<std::string> parts;
    if (untrusted) parts.push_back(distrust_of(chain, status));
    if (status & period) parts.push_back(period_of(chain, std::time(nullptr)));
    if (status & name) parts.push_back(names_of(chain.front()));
    const Fault fault = untrusted         ? Fault::cert_untrusted
                        : status & period ? Fault::cert_expired
                                          : Fault::cert_name;
    return {fault, fmt::format("{}", fmt::join(parts, "; "))};
}

std::optional<Error> missing_dns_id(gnutls_session_int* session) {
    const std::vector<Certificate> chain = peer_chain(session);
    if (!chain.empty() && !chain.front().dns_names().empty()) return std::nullopt;
    if (chain.empty()) return Error{Fault::cert_untrusted, "no certificate"};
    return Error{Fault::cert_name, names_of(chain.front())};
}

} // namespace postseal::tls
