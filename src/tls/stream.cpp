// SPDX-License-Identifier: BSD-3-Clause
#include "tls/stream.h"

#include "tls/certificate_fault.h"

#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <new>
#include <optional>
#include <system_error>
#include <vector>

namespace postseal::tls {
namespace {

// GnuTLS sometimes stops where nothing need be waited for (a warning alert, a record without data).
// A peer that sends only such must not keep the loop's thread.
constexpr int max_idle_steps = 32;

std::string cause(int error) { return std::generic_category().message(error); }

} // namespace

struct Stream::Impl {
    Impl(async::UvLoop& l, std::shared_ptr<const Trust> t, int f, std::string h, Use u)
        : loop(l), trust(std::move(t)), fd(f), host(std::move(h)), use(u) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        if (session != nullptr) gnutls_deinit(session);
    }

    [[nodiscard]] unsigned wanted() const {
        return gnutls_record_get_direction(session) == 0 ? async::FdWatch::readable
                                                         : async::FdWatch::writable;
    }
    void set_up_https();
    unsigned verify();
    unsigned verify_without_expired_intermediates();
    void set_up_smtp();
    Error handshake_error(ssize_t rc, int error) const;
    Error record_error(ssize_t rc, int error) const;

    // What to do after a call that did not end the operation.
    enum class Then { again, wait, fail };
    Then after(ssize_t rc) {
        if (rc == GNUTLS_E_AGAIN && gnutls_record_check_pending(session) == 0) return Then::wait;
        const bool idle = rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED ||
                          rc == GNUTLS_E_WARNING_ALERT_RECEIVED;
        return idle && ++idle_steps <= max_idle_steps ? Then::again : Then::fail;
    }

    async::UvLoop& loop;
    std::shared_ptr<const Trust> trust;
    int fd;
    std::string host;
    Use use;
    std::array<gnutls_typed_vdata_st, 2> expected_peer{};
    std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
    gnutls_session_t session = nullptr;
    unsigned certificate_status = 0; // GNUTLS_CERT_*
    int idle_steps = 0;
};

Error Stream::Impl::handshake_error(ssize_t rc, int error) const {
    switch (rc) {
    case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
        return certificate_fault(peer_chain(session), certificate_status);
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
        return {Fault::cert_untrusted, "the server presents no certificate"};
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
        return {Fault::protocol, "the server has no TLS 1.2 or later"};
    case GNUTLS_E_FATAL_ALERT_RECEIVED: {
        const gnutls_alert_description_t alert = gnutls_alert_get(session);
        if (alert == GNUTLS_A_PROTOCOL_VERSION)
            return {Fault::protocol, "the server has no TLS 1.2 or later (alert)"};
        const char* name = gnutls_alert_get_name(alert);
        return {Fault::protocol,
                fmt::format("the server refused the TLS handshake: {}",
                            name != nullptr ? name : fmt::format("alert {}", int{alert}))};
    }
    case GNUTLS_E_PREMATURE_TERMINATION:
        return {Fault::protocol, "the connection was closed in the TLS handshake"};
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
        return {Fault::connect, cause(error) + " in the TLS handshake"};
    default:
        return {Fault::protocol,
                fmt::format("TLS handshake: {}", gnutls_strerror(static_cast<int>(rc)))};
    }
}

Error Stream::Impl::record_error(ssize_t rc, int error) const {
    switch (rc) {
    case GNUTLS_E_PREMATURE_TERMINATION:
        return {Fault::truncated, "the connection was cut"};
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
        return {Fault::connect, cause(error)};
    case GNUTLS_E_FATAL_ALERT_RECEIVED: {
        const char* name = gnutls_alert_get_name(gnutls_alert_get(session));
        return {Fault::protocol, fmt::format("TLS alert: {}", name != nullptr ? name : "unknown")};
    }
    default:
        return {Fault::protocol, fmt::format("TLS: {}", gnutls_strerror(static_cast<int>(rc)))};
    }
}

void Stream::Impl::set_up_https() {
    gnutls_priority_set(session, trust->priority());
    std::string protocol = "http/1.1";
    const gnutls_datum_t alpn{reinterpret_cast<unsigned char*>(protocol.data()),
                              static_cast<unsigned>(protocol.size())};
    gnutls_alpn_set_protocols(session, &alpn, 1, 0);
    // GnuTLS reads these during the handshake; they live as long as the session.
    expected_peer[0] = {GNUTLS_DT_DNS_HOSTNAME, reinterpret_cast<unsigned char*>(host.data()), 0};
    expected_peer[1] = {GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()),
                        0};
    gnutls_session_set_ptr(session, this);
    gnutls_session_set_verify_function(session, [](gnutls_session_t verified) {
        auto* stream = static_cast<Impl*>(gnutls_session_get_ptr(verified));
        stream->certificate_status = stream->verify();
        return stream->certificate_status == 0 ? 0 : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
    });
}

// 0: the certificate has a chain to the trust store; else GNUTLS_CERT_*.
unsigned Stream::Impl::verify() {
    unsigned status = 0;
    const int rc = gnutls_certificate_verify_peers(
        session, expected_peer.data(), static_cast<unsigned>(expected_peer.size()), &status);
    if (rc < 0) return GNUTLS_CERT_INVALID;
    if (status != 0 && verify_without_expired_intermediates() == 0) return 0;
    return status;
}

// Of two intermediates with one name and key GnuTLS takes the first that was sent, and refuses the
// chain if it has expired; OpenSSL and browsers take the other.
unsigned Stream::Impl::verify_without_expired_intermediates() {
    const std::vector<Certificate> sent = peer_chain(session);
    const std::time_t now = std::time(nullptr);
    std::vector<gnutls_x509_crt_t> chain;
    for (std::size_t i = 0; i < sent.size(); i++)
        if (i == 0 || sent[i].ends() >= now) chain.push_back(sent[i].handle());
    if (chain.size() == sent.size()) return GNUTLS_CERT_INVALID;
    gnutls_x509_trust_list_t roots = nullptr;
    gnutls_certificate_get_trust_list(trust->credentials(), &roots);
    unsigned status = 0;
    const int rc = gnutls_x509_trust_list_verify_crt2(
        roots, chain.data(), static_cast<unsigned>(chain.size()), expected_peer.data(),
        static_cast<unsigned>(expected_peer.size()),
        GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status, nullptr);
    return rc < 0 ? GNUTLS_CERT_INVALID : status;
}

void Stream::Impl::set_up_smtp() {
    // What the system's configuration has switched off stays so.
    if (gnutls_set_default_priority_append(session, "+VERS-TLS1.1:+VERS-TLS1.0", nullptr, 0) != 0)
        gnutls_set_default_priority(session);
}

Stream::Stream(async::UvLoop& loop, std::shared_ptr<const Trust> trust, int fd, std::string host,
               Use use)
    : impl_(std::make_unique<Impl>(loop, std::move(trust), fd, std::move(host), use)) {
    Impl& s = *impl_;
    // One key share: a second is made for nothing by nearly every server's choice.
    constexpr unsigned flags = GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                               GNUTLS_NO_TICKETS | GNUTLS_KEY_SHARE_TOP;
    if (gnutls_init(&s.session, flags) != 0) throw std::bad_alloc();
    gnutls_credentials_set(s.session, GNUTLS_CRD_CERTIFICATE, s.trust->credentials());
    gnutls_server_name_set(s.session, GNUTLS_NAME_DNS, s.host.data(), s.host.size());
    if (use == Use::https)
        s.set_up_https();
    else
        s.set_up_smtp();
    gnutls_transport_set_int(s.session, fd);
}

Stream::~Stream() = default;

async::Task<std::expected<void, Error>> Stream::handshake() {
    Impl& s = *impl_;
    for (;;) {
        const int rc = gnutls_handshake(s.session);
        const int error = errno;
        if (rc == GNUTLS_E_SUCCESS) break;
        const Impl::Then then = s.after(rc);
        if (then == Impl::Then::fail) co_return std::unexpected(s.handshake_error(rc, error));
        if (then == Impl::Then::wait) {
            co_await async::FdReady(s.loop, s.fd, s.wanted());
        }
    }
    if (s.use == Use::smtp) co_return {};
    if (std::optional<Error> fault = missing_dns_id(s.session))
        co_return std::unexpected(std::move(*fault));
    co_return {};
}

async::Task<std::expected<std::size_t, Error>> Stream::read(std::span<char> into) {
    Impl& s = *impl_;
    for (;;) {
        const ssize_t rc = gnutls_record_recv(s.session, into.data(), into.size());
        const int error = errno;
        if (rc >= 0) co_return static_cast<std::size_t>(rc);
        const Impl::Then then = s.after(rc);
        if (then == Impl::Then::fail) co_return std::unexpected(s.record_error(rc, error));
        if (then == Impl::Then::wait) {
            co_await async::FdReady(s.loop, s.fd, s.wanted());
        }
    }
}

async::Task<std::expected<void, Error>> Stream::write(std::string_view octets) {
    Impl& s = *impl_;
    while (!octets.empty()) {
        const ssize_t rc = gnutls_record_send(s.session, octets.data(), octets.size());
        const int error = errno;
        if (rc >= 0) {
            octets.remove_prefix(static_cast<std::size_t>(rc));
            continue;
        }
        const Impl::Then then = s.after(rc);
        if (then == Impl::Then::fail) co_return std::unexpected(s.record_error(rc, error));
        if (then == Impl::Then::wait) {
            co_await async::FdReady(s.loop, s.fd, s.wanted());
        }
    }
    co_return {};
}

void Stream::bye() { gnutls_bye(impl_->session, GNUTLS_SHUT_WR); }

gnutls_session_int* Stream::session() const { return impl_->session; }

} // namespace postseal::tls
