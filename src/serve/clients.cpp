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
constexpr milliseconds linger_for{5'000};

} // namespace

Clients::Clients(Dependencies dependencies, std::unique_ptr<Protocol> protocol, milliseconds idle)
    : dependencies_(std::move(dependencies)), loop_(dependencies_.station.loop()),
      protocol_(std::move(protocol)), idle_(idle) {
    sweep();
}

Clients::~Clients() { uncount(connections_.size()); }

void Clients::uncount(std::size_t clients) {
    dependencies_.places->taken -= clients;
    dependencies_.station.connections() -= clients;
    dependencies_.shared.give_room(clients);
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
    if (dependencies_.shared.complaints().add(dependencies_.listener, client, loop_.now()))
        dependencies_.log.warning(
            "malformed-request",
            {{"listener", dependencies_.listener}, {"client", client}, {"fault", fault}});
}

void Clients::does_not_read(int fd) {
    const std::string client = peer_name(fd);
    if (dependencies_.shared.unread().add(dependencies_.listener, client, loop_.now()))
        dependencies_.log.warning("unread-replies", {{"listener", dependencies_.listener},
                                                     {"client", client},
                                                     {"reason", "limits.reply_memory is used up"}});
}

Connection* Clients::longest_idle() {
    Connection* found = nullptr;
    for (Connection& connection : connections_)
        if (!connection.is_closed() && !connection.waits_for_us() &&
            (found == nullptr || connection.active_at() <= found->active_at())) // newest first
            found = &connection;
    return found;
}

void Clients::closed(Connection& connection, const char* why) {
    dependencies_.log.debug("closed", {{"listener", dependencies_.listener}, {"reason", why}});
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

milliseconds Clients::sweep_every() const {
    const milliseconds every = std::min(sweep_at_least_every, idle_ / 2);
    const milliseconds patience = protocol_->patience();
    return patience > milliseconds(0) ? std::min(every, patience / 4) : every;
}

void Clients::look_at(Connection& connection, MonoTime now) {
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

void Clients::sweep() {
    const MonoTime now = loop_.now();
    for (Connection& connection : connections_)
        look_at(connection, now);
    sweeper_.start(loop_, sweep_every(),
                   {[](void* self) { static_cast<Clients*>(self)->sweep(); }, this});
}

void Clients::finish(Connection::Finish how) {
    finish_ = how;
    if (!finisher_.posted())
        finisher_.post(loop_,
                       {[](void* self) { static_cast<Clients*>(self)->finish_now(); }, this});
}

void Clients::finish_now() {
    for (Connection& connection : connections_)
        connection.finish(finish_);
}

} // namespace postseal::serve
