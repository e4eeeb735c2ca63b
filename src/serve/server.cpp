// SPDX-License-Identifier: BSD-3-Clause
#include "serve/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::serve {
namespace {

constexpr milliseconds look_again_after{5'000};
constexpr int max_accepts = 64; // a turn

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

Server::Server(std::vector<Station*> stations, Log& log, Shared& shared,
               const config::Listen& listen, std::vector<Fd> listeners, const MakeProtocol& make)
    : loop_(stations.front()->loop()), log_(log), shared_(shared), name_(listen.address.text()),
      places_(shared.add_places(listen.connections)) {
    for (Station* station : stations)
        clients_.emplace_back(
            *station, [dependencies = Clients::Dependencies{*station, log, shared, places_, name_},
                       protocol = make(listen, *station), idle = listen.idle]() mutable {
                return std::make_unique<Clients>(std::move(dependencies), std::move(protocol),
                                                 idle);
            });
    for (Fd& fd : listeners)
        listeners_.emplace_back(*this, std::move(fd)).watch.set(async::FdWatch::readable);
}

void Server::reconfigure(const config::Listen& listen) {
    places_->own = listen.connections;
    for (Resident<Clients>& clients : clients_)
        clients.call([listen](Clients& here) { here.reconfigure(listen); });
}

void Server::accept_from(Listener& listener) {
    for (int i = 0; i < max_accepts; i++) {
        if (!shared_.has_room(*places_)) {
            if (i > 0 && shared_.makes_room()) return; // does another client wait at all?
            for (Listener& each : listeners_)
                each.watch.set(async::FdWatch::none);
            if (shared_.makes_room()) shared_.make_room();
            return;
        }
        Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.valid()) {
            // Out of descriptors: leave the client in the queue for a while.
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                log_.error("accept", {{"listener", name_}, {"reason", std::strerror(errno)}});
                listener.watch.set(async::FdWatch::none);
                look_again();
            }
            return;
        }
        deal(std::move(fd));
    }
}

void Server::deal(Fd client) {
    Resident<Clients>& clients =
        *std::ranges::min_element(clients_, {}, [](const Resident<Clients>& there) {
            return there.station().connections().load();
        });
    shared_.take_room();
    clients.station().connections()++;
    places_->taken++;
    clients.call([fd = std::move(client)](Clients& here) mutable { here.add(std::move(fd)); });
}

void Server::watch_listeners() {
    // Who can make room does so when a client comes.
    const bool room = accepting_ && (shared_.has_room(*places_) || shared_.makes_room());
    for (Listener& listener : listeners_)
        listener.watch.set(room ? async::FdWatch::readable : async::FdWatch::none);
}

void Server::look_again() {
    shared_.await_room();
    looking_again_.start(loop_, look_again_after,
                         {[](void* self) { static_cast<Server*>(self)->watch_listeners(); }, this});
}

void Server::stop() {
    accepting_ = false;
    places_->own = 0;
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

std::optional<MonoTime> Server::idle_since() {
    std::optional<MonoTime> since;
    for (Resident<Clients>& clients : clients_)
        clients.call([&since](Clients& here) {
            if (Connection* idle = here.longest_idle()) since = idle->active_at();
        });
    return since;
}

void Server::drop_idle() {
    for (Resident<Clients>& clients : clients_)
        clients.call([](Clients& here) {
            if (Connection* idle = here.longest_idle()) idle->drop();
        });
}

void Server::finish_all(Connection::Finish how) {
    for (Resident<Clients>& clients : clients_)
        clients.call([how](Clients& here) { here.finish(how); });
}

} // namespace postseal::serve
