// policy_host: the HTTPS server of all policy hosts of a benchmark's world
//
// One epoll thread, GnuTLS. Listens on port 443 of every address, and answers whatever name it is
// asked for, each by a certificate of its own: with the policy whose pattern stands beside the
// domain in the list, else with the default one. At an address of 127.45.0.0/16 it takes
// connections and says no word.
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/certificates.h"
#include "bench/endpoint.h"

#include <CLI/CLI.hpp>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using namespace postseal::bench;

constexpr std::string_view label = "mta-sts.";

struct Arguments {
    std::string authority;
    std::string key;
    std::string domains;
    std::string pattern = "*.mail.example";
    std::uint16_t port = 443;
};

std::string response(std::string_view pattern) {
    const std::string body =
        fmt::format("version: STSv1\r\nmode: enforce\r\nmx: {}\r\nmax_age: 604800\r\n", pattern);
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
                       "Connection: close\r\n\r\n{}",
                       body.size(), body);
}

class Policies {
  public:
    Policies(const Arguments& arguments, Certificates& certificates)
        : default_(response(arguments.pattern)) {
        if (arguments.domains.empty()) return;
        std::ifstream in(arguments.domains);
        if (!in) die_of(arguments.domains);
        for (std::string domain, pattern; in >> domain >> pattern;) {
            certificates.prepare(fmt::format("{}{}", label, domain));
            patterns_.emplace(std::move(domain), std::move(pattern));
        }
    }
    [[nodiscard]] std::string answer(std::string_view host) const {
        if (host.starts_with(label)) host.remove_prefix(label.size());
        const auto found = patterns_.find(std::string(host));
        return found == patterns_.end() ? default_ : response(found->second);
    }

  private:
    std::string default_;
    std::unordered_map<std::string, std::string> patterns_;
};

// A connection that is to get an answer.
class Session {
  public:
    Session(int fd, Certificates& certificates, gnutls_priority_t priority) : fd_(fd) {
        gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
        gnutls_priority_set(session_, priority);
        gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, certificates.credentials());
        gnutls_session_set_ptr(session_, &certificates);
        gnutls_transport_set_int(session_, fd);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        gnutls_deinit(session_);
        ::close(fd_);
    }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] unsigned wanted() const {
        return gnutls_record_get_direction(session_) == 0 ? EPOLLIN : EPOLLOUT;
    }
    // False: it is over.
    bool go_on(const Policies& policies) {
        if (step_ == Step::handshake) {
            const int rc = gnutls_handshake(session_);
            if (rc < 0) return gnutls_error_is_fatal(rc) == 0;
            step_ = Step::request;
        }
        if (step_ == Step::request) {
            std::array<char, 4096> in{};
            const ssize_t got = gnutls_record_recv(session_, in.data(), in.size());
            if (got == 0) return false;
            if (got < 0) return gnutls_error_is_fatal(static_cast<int>(got)) == 0;
            request_.append(in.data(), static_cast<std::size_t>(got));
            if (!request_.contains("\r\n\r\n")) return true;
            answer_ = policies.answer(host());
            step_ = Step::answer;
        }
        const ssize_t put = gnutls_record_send(session_, answer_.data(), answer_.size());
        if (put < 0) return gnutls_error_is_fatal(static_cast<int>(put)) == 0;
        gnutls_bye(session_, GNUTLS_SHUT_WR);
        return false;
    }

  private:
    [[nodiscard]] std::string host() const {
        std::array<char, 256> name{};
        std::size_t size = name.size();
        unsigned type = 0;
        if (gnutls_server_name_get(session_, name.data(), &size, &type, 0) < 0) return {};
        return {name.data(), size};
    }

    enum class Step { handshake, request, answer };
    int fd_;
    Step step_ = Step::handshake;
    gnutls_session_t session_ = nullptr;
    std::string request_;
    std::string answer_; // short enough for one record
};

class Server {
  public:
    explicit Server(const Arguments& arguments)
        : certificates_(arguments.authority, arguments.key), policies_(arguments, certificates_),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        gnutls_priority_init(&priority_, nullptr, nullptr);
        const Endpoint any(fmt::format("0.0.0.0:{}", arguments.port));
        listener_ = any.socket();
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(listener_, any.address(), any.size()) != 0 || ::listen(listener_, 4096) != 0)
            die_of(any.text());
        epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    }

    [[noreturn]] void run() {
        fmt::print("policy_host: ready\n");
        std::fflush(stdout);
        std::array<epoll_event, 128> events{};
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < count; i++) {
                if (events[i].data.ptr == nullptr)
                    accept_all();
                else
                    go_on(*static_cast<Session*>(events[i].data.ptr));
            }
        }
    }

  private:
    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            sockaddr_in at{};
            socklen_t size = sizeof at;
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
            if ((ntohl(at.sin_addr.s_addr) >> 16U) == (127U << 8U | 45U)) continue; // kept open
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            auto session = std::make_unique<Session>(fd, certificates_, priority_);
            epoll_event event{.events = EPOLLIN, .data = {.ptr = session.get()}};
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
            session.release(); // its end is in go_on()
        }
    }

    void go_on(Session& session) const {
        if (session.go_on(policies_)) {
            epoll_event event{.events = session.wanted(), .data = {.ptr = &session}};
            ::epoll_ctl(epoll_, EPOLL_CTL_MOD, session.fd(), &event);
        } else {
            delete &session;
        }
    }

    Certificates certificates_;
    Policies policies_;
    int epoll_;
    int listener_ = -1;
    gnutls_priority_t priority_ = nullptr;
};

} // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{"The HTTPS server of all policy hosts of a benchmark's world.", "policy_host"};
    app.add_option("--authority", arguments.authority, "certificate (PEM)")->required();
    app.add_option("--key", arguments.key, "the authority's private key (PEM)")->required();
    app.add_option("--domains", arguments.domains, "file: DOMAIN and MX-PATTERN a line");
    app.add_option("--pattern", arguments.pattern, "of all other domains");
    app.add_option("--port", arguments.port, "(default 443)");
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    Server(arguments).run();
}
