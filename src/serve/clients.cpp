// SPDX-License-Identifier: BSD-3-Clause
#include "serve/clients.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace postseal::serve {
namespace {

constexpr milliseconds sweep_at_least_every{5'000};

} // namespace

Clients::Clients(Around around, std::unique_ptr<Protocol> protocol, milliseconds idle)
    : around_(std::move(around)), loop_(around_.station.loop()), protocol_(std::move(protocol)),
      idle_(idle) {
    sweep();
}

Clients::~Clients() { uncount(connections_.size()); }

void Clients::uncount(std::size_t clients) {
    *around_.count -= clients;
    around_.station.connections() -= clients;
    around_.shared.give_room(clients);
}

void Clients::add(Fd fd) {
    const int on = 1; // has no meaning for a unix socket, and does no harm there
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.emplace_front(loop_, *this, *protocol_, std::move(fd));
    connections_.front().self = connections_.begin();
}

void Clients::reconfigure(const config::Listen& listen) {
    protocol_->reconfigure(listen);
    idle_ = listen.idle;
}

void Clients::malformed(int fd, const char* fault) {
    const std::string client = peer_name(fd);
    if (around_.shared.complaints().add(around_.listener, client, loop_.now()))
        around_.log.warning("malformed-request",
                            {{"listener", around_.listener}, {"client", client}, {"fault", fault}});
}

void Clients::closed(Connection& connection, const char* why) {
    around_.log.debug("closed", {{"listener", around_.listener}, {"why", why}});
    dead_.push_back(&connection);
    if (!reaper_.posted())
        reaper_.post(loop_, {[](void* self) { static_cast<Clients*>(self)->reap(); }, this});
}

void Clients::reap() {
    const std::vector<Connection*> dead = std::exchange(dead_, {});
    for (const Connection* connection : dead)
        connections_.erase(connection->self);
    uncount(dead.size());
}

void Clients::sweep() {
    const MonoTime now = loop_.now();
    for (Connection& connection : connections_)
        if (!connection.waits_for_us() && now - connection.active_at() >= idle_) connection.drop();
    sweeper_.start(loop_, std::min(sweep_at_least_every, idle_ / 2),
                   {[](void* self) { static_cast<Clients*>(self)->sweep(); }, this});
}

void Clients::finish(Connection::Finish how) {
    for (Connection& connection : connections_)
        connection.finish(how);
}

} // namespace postseal::serve
