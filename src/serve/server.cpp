// SPDX-License-Identifier: BSD-3-Clause
#include "serve/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::serve {
namespace {

constexpr milliseconds sweep_at_least_every{5'000};
constexpr milliseconds complain_every{60'000};
constexpr milliseconds linger_for{5'000};
constexpr int most_accepts = 64; // a turn

} // namespace

Server::Listener::Listener(Server& server, Fd listening)
    : owner(server), fd(std::move(listening)),
      watch(
          server.loop_, fd.get(),
          [](void* self, unsigned) {
              auto& listener = *static_cast<Listener*>(self);
              listener.owner.accept_from(listener);
          },
          this) {}

Server::Server(async::UvLoop& loop, Log& log, Shared& shared, const config::Address& address,
               std::vector<Fd> listeners, std::unique_ptr<Protocol> protocol, milliseconds idle)
    : loop_(loop), log_(log), shared_(shared), name_(address.text()),
      protocol_(std::move(protocol)), idle_(idle) {
    for (Fd& fd : listeners)
        listeners_.emplace_back(*this, std::move(fd)).watch.set(async::FdWatch::readable);
    sweep();
}

Server::~Server() { shared_.connections -= connections_.size(); }

void Server::accept_from(Listener& listener) {
    for (int i = 0; i < most_accepts; i++) {
        if (shared_.connections >= shared_.connections_limit) {
            watch_listeners();
            return;
        }
        Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.valid()) {
            // Out of descriptors: leave the client in the queue and look again at the next sweep.
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                log_.error("accept", {{"listener", name_}, {"reason", std::strerror(errno)}});
                listener.watch.set(async::FdWatch::none);
            }
            return;
        }
        const int on = 1; // has no meaning for a unix socket, and does no harm there
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connections_.emplace_front(loop_, *this, *protocol_, std::move(fd));
        connections_.front().self = connections_.begin();
        shared_.connections++;
    }
}

void Server::watch_listeners() {
    const bool room = accepting_ && shared_.connections < shared_.connections_limit;
    for (Listener& listener : listeners_)
        listener.watch.set(room ? async::FdWatch::readable : async::FdWatch::none);
}

void Server::malformed(int fd, const char* fault) {
    malformed_++;
    const std::string client = peer_name(fd);
    auto& last = complained_[client];
    if (last != MonoTime{} && loop_.now() - last < complain_every) return;
    last = loop_.now();
    log_.warning("malformed-request", {{"listener", name_}, {"client", client}, {"fault", fault}});
}

void Server::closed(Connection& connection, const char* why) {
    log_.debug("closed", {{"listener", name_}, {"why", why}});
    dead_.push_back(&connection);
    if (!reaper_.posted())
        reaper_.post(loop_, {[](void* self) { static_cast<Server*>(self)->reap(); }, this});
}

void Server::reap() {
    for (const Connection* dead : std::exchange(dead_, {})) {
        connections_.erase(dead->self);
        shared_.connections--;
    }
    watch_listeners();
}

milliseconds Server::sweep_every() const {
    const milliseconds every = std::min(sweep_at_least_every, idle_ / 2);
    const milliseconds patience = protocol_->patience();
    return patience > milliseconds(0) ? std::min(every, patience / 4) : every;
}

void Server::look_at(Connection& connection, MonoTime now) {
    if (const auto since = connection.lingers_since()) {
        if (now - *since >= linger_for) connection.drop();
        return;
    }
    if (connection.waits_for_us()) return;
    const milliseconds patience = protocol_->patience();
    const auto begun = connection.begun_at();
    if (now - connection.active_at() >= idle_)
        connection.drop();
    else if (patience > milliseconds(0) && begun && now - *begun >= patience)
        connection.dismiss(protocol_->too_slow());
}

void Server::sweep() {
    const MonoTime now = loop_.now();
    for (Connection& connection : connections_)
        look_at(connection, now);
    std::erase_if(complained_,
                  [&](const auto& entry) { return now - entry.second > complain_every; });
    watch_listeners();
    sweeper_.start(loop_, sweep_every(),
                   {[](void* self) { static_cast<Server*>(self)->sweep(); }, this});
}

void Server::stop() {
    accepting_ = false;
    listeners_.clear();
    finish_all(Connection::Finish::gently);
}

void Server::hurry() { finish_all(Connection::Finish::late); }

std::vector<Fd> Server::release() {
    std::vector<Fd> fds;
    for (Listener& listener : listeners_)
        fds.push_back(std::move(listener.fd));
    stop();
    return fds;
}

std::vector<int> Server::listening() const {
    std::vector<int> fds;
    for (const Listener& listener : listeners_)
        fds.push_back(listener.fd.get());
    return fds;
}

void Server::finish_all(Connection::Finish how) {
    for (Connection& connection : connections_)
        connection.finish(how);
}

} // namespace postseal::serve
