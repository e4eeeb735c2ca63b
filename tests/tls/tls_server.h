// tls/tls_server.h (tests): a TLS server on loopback, in threads of this process
//
// Each connection gets a thread, in which `behave` does as the test wants. Whatever it waits for
// ends when the server is destroyed.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tls/address.h"
#include "tls/certificates.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace postseal::tls {

// Throws if the text is none.
[[nodiscard]] Address address_of(const std::string& text);

class ServerConnection {
  public:
    virtual ~ServerConnection() = default;
    virtual bool handshake() = 0;
    virtual std::string read_request() = 0; // up to the empty line; shorter: the client has closed
    virtual bool send(std::string_view octets) = 0;     // false: the client is gone
    virtual bool send_raw(std::string_view octets) = 0; // beneath TLS
    virtual void bye() = 0;                             // close_notify
    virtual void read_raw() = 0;                        // some octets beneath TLS
    virtual void reset() = 0;                           // closes by RST
    virtual void wait_for_close() = 0;                  // by the client, or the end of the server
    [[nodiscard]] virtual std::string server_name() const = 0; // the client's SNI
};

using Behaviour = std::function<void(ServerConnection&)>;

// The usual: handshake, request, that answer, close_notify.
[[nodiscard]] Behaviour answer_with(std::string octets);

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0; // 0: any
    std::string priority = "NORMAL";
};

class TlsServer {
  public:
    TlsServer(Identity identity, Behaviour behave, ServerOptions options = {});
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] Address address() const;
    [[nodiscard]] int accepted() const { return accepted_; }
    // Until the behaviour of so many has ended, or 5 s have passed (false).
    [[nodiscard]] bool wait_ended(int connections) const;

  private:
    void serve();
    void serve_one(int fd);

    Identity identity_;
    Behaviour behave_;
    ServerOptions options_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_ = 0;
    std::atomic<int> ended_ = 0;
    std::mutex mutex_;
    bool closing_ = false;
    std::vector<int> connections_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

// A listener whose queue is full: whoever connects gets no answer at all.
class FullListener {
  public:
    explicit FullListener(const std::string& address, std::uint16_t port = 0);
    FullListener(const FullListener&) = delete;
    FullListener& operator=(const FullListener&) = delete;
    ~FullListener();
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    std::vector<int> fds_;
    std::uint16_t port_ = 0;
};

// A port on which nobody listens.
[[nodiscard]] std::uint16_t closed_port(const std::string& address);

} // namespace postseal::tls
