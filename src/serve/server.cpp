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

Server::Server(std::vector<Station*> stations, Log& log, Shared& shared,
               const config::Listen& listen, std::vector<Fd> listeners, const MakeProtocol& make)
    : loop_(stations.front()->loop()), log_(log), shared_(shared), name_(listen.address.text()),
      count_(std::make_shared<std::atomic<std::size_t>>(0)) {
    for (Station* station : stations)
        clients_.emplace_back(
            *station, [around = Clients::Around{*station, log, shared, count_, name_},
                       protocol = make(listen, *station), idle = listen.idle]() mutable {
                return std::make_unique<Clients>(std::move(around), std::move(protocol), idle);
            });
    for (Fd& fd : listeners)
        listeners_.emplace_back(*this, std::move(fd)).watch.set(async::FdWatch::readable);
}

void Server::reconfigure(const config::Listen& listen) {
    for (Resident<Clients>& clients : clients_)
        clients.call([listen](Clients& here) { here.reconfigure(listen); });
}

void Server::accept_from(Listener& listener) {
    for (int i = 0; i < most_accepts; i++) {
        if (!shared_.has_room()) return watch_listeners();
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
    ++*count_;
    clients.call([fd = std::move(client)](Clients& here) mutable { here.add(std::move(fd)); });
}

void Server::watch_listeners() {
    const bool room = accepting_ && shared_.has_room();
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
    for (Resident<Clients>& clients : clients_)
        clients.call([how](Clients& here) { here.finish(how); });
}

} // namespace postseal::serve
