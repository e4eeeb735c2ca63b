// SPDX-License-Identifier: BSD-3-Clause
#include "tls/tls_server.h"

#include <fmt/format.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace postseal::tls {
namespace {

struct Endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Endpoint endpoint(const std::string& text, std::uint16_t port) {
    Endpoint out;
    const Address address = address_of(text);
    if (address.family == Address::Family::v4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.octets.data(), 4);
        std::memcpy(&out.storage, &in, out.size = sizeof(in));
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        std::memcpy(&in.sin6_addr, address.octets.data(), 16);
        std::memcpy(&out.storage, &in, out.size = sizeof(in));
    }
    return out;
}

int bind_to(const std::string& address, std::uint16_t port) {
    const Endpoint at = endpoint(address, port);
    const int fd = ::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (at.storage.ss_family == AF_INET6)
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0)
        throw std::runtime_error(fmt::format("bind {}:{}: {}", address, port, errno));
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in6 in{};
    socklen_t size = sizeof(in);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size);
    return ntohs(in.sin6_port); // at the same place in sockaddr_in
}

class Connection final : public ServerConnection {
  public:
    Connection(int fd, const Identity& identity, const std::string& priority) : fd_(fd) {
        const auto datum = [](const std::string& text) {
            return gnutls_datum_t{reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
                                  static_cast<unsigned>(text.size())};
        };
        const gnutls_datum_t chain = datum(identity.chain);
        const gnutls_datum_t key = datum(identity.key);
        gnutls_certificate_allocate_credentials(&credentials_);
        set_key(chain, key);
        gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
        gnutls_priority_set_direct(session_, priority.c_str(), nullptr);
        gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
        gnutls_transport_set_int(session_, fd);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() override {
        gnutls_deinit(session_);
        gnutls_certificate_free_credentials(credentials_);
    }

    bool handshake() override {
        int rc = 0;
        while ((rc = gnutls_handshake(session_)) != 0) {
            if (gnutls_error_is_fatal(rc) == 0) continue;
            gnutls_alert_send_appropriate(session_, rc);
            return false;
        }
        std::array<char, 256> name{};
        std::size_t size = name.size();
        unsigned type = 0;
        if (gnutls_server_name_get(session_, name.data(), &size, &type, 0) == 0)
            server_name_.assign(name.data(), size);
        return true;
    }
    std::string read_request() override {
        std::string request;
        std::array<char, 512> buffer{};
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t size = gnutls_record_recv(session_, buffer.data(), buffer.size());
            if (size <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return request;
    }
    bool send(std::string_view octets) override {
        while (!octets.empty()) {
            const ssize_t size = gnutls_record_send(session_, octets.data(), octets.size());
            if (size < 0) return false;
            octets.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    bool send_raw(std::string_view octets) override {
        return ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(octets.size());
    }
    void bye() override { gnutls_bye(session_, GNUTLS_SHUT_WR); }
    void read_raw() override {
        std::array<char, 4096> buffer{};
        ::recv(fd_, buffer.data(), buffer.size(), 0);
    }
    void reset() override {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    void wait_for_close() override {
        std::array<char, 512> buffer{};
        while (::recv(fd_, buffer.data(), buffer.size(), 0) > 0) {
        }
    }
    [[nodiscard]] std::string server_name() const override { return server_name_; }

  private:
    // The chain is sent as it is: gnutls_certificate_set_x509_key_mem() would sort it.
    void set_key(const gnutls_datum_t& chain, const gnutls_datum_t& key) {
        if (chain.size == 0) return; // a server without TLS
        std::array<gnutls_pcert_st, 8> list{};
        unsigned size = list.size();
        gnutls_privkey_t privkey = nullptr;
        gnutls_privkey_init(&privkey);
        gnutls_privkey_import_x509_raw(privkey, &key, GNUTLS_X509_FMT_PEM, nullptr, 0);
        gnutls_pcert_list_import_x509_raw(list.data(), &size, &chain, GNUTLS_X509_FMT_PEM, 0);
        // Both are the credentials' from now on.
        gnutls_certificate_set_key(credentials_, nullptr, 0, list.data(), static_cast<int>(size),
                                   privkey);
    }

    int fd_;
    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_session_t session_ = nullptr;
    std::string server_name_;
};

} // namespace

Address address_of(const std::string& text) {
    const auto address = Address::parse(text);
    if (!address) throw std::runtime_error("no address: " + text);
    return *address;
}

Behaviour answer_with(std::string octets) {
    return [octets = std::move(octets)](ServerConnection& client) {
        if (!client.handshake()) return;
        client.read_request();
        client.send(octets);
        client.bye();
    };
}

TlsServer::TlsServer(Identity identity, Behaviour behave, ServerOptions options)
    : identity_(std::move(identity)), behave_(std::move(behave)), options_(std::move(options)),
      listener_(bind_to(options_.address, options_.port)) {
    if (::listen(listener_, 128) != 0) throw std::runtime_error("listen");
    port_ = port_of(listener_);
    acceptor_ = std::thread([this] { serve(); });
}

TlsServer::~TlsServer() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        for (const int fd : connections_)
            ::shutdown(fd, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR); // accept() returns
    acceptor_.join();
    for (std::thread& thread : threads_)
        thread.join();
    ::close(listener_);
}

Address TlsServer::address() const { return address_of(options_.address); }

bool TlsServer::wait_ended(int connections) const {
    for (int i = 0; i < 500 && ended_ < connections; i++)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return ended_ >= connections;
}

void TlsServer::serve() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::lock_guard lock(mutex_);
        if (closing_) {
            ::close(fd);
            return;
        }
        accepted_++;
        connections_.push_back(fd);
        threads_.emplace_back([this, fd] { serve_one(fd); });
    }
}

void TlsServer::serve_one(int fd) {
    {
        Connection connection(fd, identity_, options_.priority);
        behave_(connection);
    }
    const std::lock_guard lock(mutex_);
    std::erase(connections_, fd);
    ::close(fd);
    ended_++;
}

FullListener::FullListener(const std::string& address, std::uint16_t port) {
    fds_.push_back(bind_to(address, port));
    if (::listen(fds_[0], 0) != 0) throw std::runtime_error("listen");
    port_ = port_of(fds_[0]);
    // The queue has room for one more than listen() was told.
    for (int i = 0; i < 4; i++) {
        const Endpoint to = endpoint(address, port_);
        fds_.push_back(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
        if (::connect(fds_.back(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 &&
            errno != EINPROGRESS)
            throw std::runtime_error("connect");
    }
}

FullListener::~FullListener() {
    for (const int fd : fds_)
        ::close(fd);
}

std::uint16_t closed_port(const std::string& address) {
    const int fd = bind_to(address, 0);
    const std::uint16_t port = port_of(fd);
    ::close(fd);
    return port;
}

} // namespace postseal::tls
