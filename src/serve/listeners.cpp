// SPDX-License-Identifier: BSD-3-Clause
#include "serve/listeners.h"

#include "serve/protocols.h"
#include "serve/socket_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace postseal::serve {
namespace {

constexpr milliseconds look_every{1'000};
constexpr std::size_t max_http_connections = 64;
constexpr std::size_t max_admin_connections = 32;
constexpr std::size_t reply_memory = std::size_t{8} << 20U; // of http and of admin

void remove_file(const config::Address& address) {
    if (address.is_unix()) ::unlink(address.path.c_str());
}

void unbind(const std::vector<Bound>& all) {
    for (const Bound& bound : all)
        if (bound.origin == Bound::Origin::bound) remove_file(bound.listen.address);
}

std::expected<void, std::string> all_differ(const std::vector<config::Listen>& wanted) {
    for (auto listen = wanted.begin(); listen != wanted.end(); ++listen)
        if (std::ranges::find(std::next(listen), wanted.end(), listen->address,
                              &config::Listen::address) != wanted.end())
            return std::unexpected(
                fmt::format("two [[listen]] have the address {}: leave one of them out",
                            listen->address.text()));
    return {};
}

bool same_owner(const config::Listen& a, const config::Listen& b) {
    return a.owner == b.owner && a.group == b.group && a.mode == b.mode;
}

// The file as it was is added to `changed`.
std::expected<void, std::string> own_anew(const Server& server, const config::Listen& listen,
                                          std::vector<SocketFile>& changed) {
    for (const int fd : server.listening()) {
        auto file = SocketFile::open(fd, listen.address.path);
        if (!file) return std::unexpected(std::move(file.error()));
        changed.push_back(*std::move(file));
        if (auto owned = changed.back().set_owner(listen); !owned) return owned;
    }
    return {};
}

} // namespace

std::expected<std::vector<Bound>, std::string> bind_all(const std::vector<config::Listen>& wanted,
                                                        Inherited& inherited) {
    if (auto ok = all_differ(wanted); !ok) return std::unexpected(std::move(ok.error()));
    std::vector<Bound> all;
    for (const config::Listen& listen : wanted) {
        const std::size_t before = inherited.size();
        auto fds = listen_on(listen, &inherited);
        if (!fds) {
            unbind(all);
            return std::unexpected(std::move(fds.error()));
        }
        Bound::Origin origin = Bound::Origin::bound;
        if (inherited.size() < before)
            origin = inherited.from() == Inherited::From::keeper ? Bound::Origin::passed
                                                                 : Bound::Origin::taken_over;
        all.push_back({listen, std::move(*fds), origin});
    }
    return all;
}

std::expected<void, std::string> bind_removed(std::vector<Bound>& all) {
    for (Bound& bound : all) {
        if (bound.origin != Bound::Origin::taken_over || !bound.listen.address.is_unix()) continue;
        if (::access(bound.listen.address.path.c_str(), F_OK) == 0) continue;
        auto fds = listen_on(bound.listen);
        if (!fds) return std::unexpected(std::move(fds.error()));
        bound.fds = *std::move(fds);
        bound.origin = Bound::Origin::bound;
    }
    return {};
}

Listeners::Listeners(std::vector<Station*> stations, Log& log, Shared& shared, Keeper* keeper)
    : stations_(std::move(stations)), loop_(stations_.front()->loop()), log_(log), shared_(shared),
      http_(loop_, max_http_connections, reply_memory),
      admin_(loop_, max_admin_connections, reply_memory), keeper_(keeper) {
    for (Shared* places : {&shared_, &http_, &admin_})
        places->on_room([this] { look_for_room(); });
    for (Shared* places : {&http_, &admin_})
        places->on_crowded([this, places] { make_room(*places); });
}

Shared& Listeners::shared_for(config::Protocol protocol) {
    if (protocol == config::Protocol::http) return http_;
    if (protocol == config::Protocol::admin) return admin_;
    return shared_;
}

Listeners::Entry* Listeners::find(const config::Address& address) {
    for (Entry& entry : entries_)
        if (entry.listen.address == address) return &entry;
    return nullptr;
}

std::expected<std::vector<Bound>, std::string>
Listeners::prepare(const std::vector<config::Listen>& wanted) {
    if (auto ok = all_differ(wanted); !ok) return std::unexpected(std::move(ok.error()));
    std::vector<config::Listen> fresh;
    std::ranges::copy_if(wanted, std::back_inserter(fresh),
                         [&](const auto& listen) { return find(listen.address) == nullptr; });
    Inherited none;
    auto bound = bind_all(fresh, none);
    if (!bound) return bound;
    std::vector<SocketFile> changed;
    for (const config::Listen& listen : wanted) {
        const Entry* entry = find(listen.address);
        if (entry == nullptr || !listen.address.is_unix() || same_owner(listen, entry->listen))
            continue;
        if (auto done = own_anew(*entry->server, listen, changed); !done) {
            for (const SocketFile& file : changed)
                file.restore();
            unbind(*bound);
            return std::unexpected(std::move(done.error()));
        }
    }
    return bound;
}

void Listeners::apply(const std::vector<config::Listen>& wanted, std::vector<Bound> fresh) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto listen =
            std::ranges::find(wanted, entry->listen.address, &config::Listen::address);
        if (listen != wanted.end()) {
            change(*entry++, *listen);
            continue;
        }
        remove(*entry);
        entry = entries_.erase(entry);
    }
    for (Bound& bound : fresh)
        begin(std::move(bound));
}

std::unique_ptr<Server> Listeners::serve(const config::Listen& listen, std::vector<Fd> fds) {
    log_.info("listening", {{"listener", listen.address.text()},
                            {"protocol", std::string(to_string(listen.protocol))}});
    const bool http = listen.protocol == config::Protocol::http;
    if (http && !std::ranges::all_of(fds, [](const Fd& fd) { return is_local(fd.get()); }))
        log_.warning("open-listener",
                     {{"listener", listen.address.text()},
                      {"reason", "anyone who can reach it sees where mail goes: listen on "
                                 "127.0.0.1, or keep others out by a firewall"}});
    const bool by_all = served_by_all_threads(listen.protocol);
    return std::make_unique<Server>(by_all ? stations_ : std::vector{stations_.front()}, log_,
                                    shared_for(listen.protocol), listen, std::move(fds), make_);
}

void Listeners::begin(Bound bound) {
    if (bound.origin != Bound::Origin::bound)
        for (const Fd& fd : bound.fds)
            vouch_for(fd.get());
    auto server = serve(bound.listen, std::move(bound.fds));
    const bool passed = bound.origin == Bound::Origin::passed;
    const bool kept = !passed && keep(*server);
    entries_.push_back({std::move(bound.listen), passed, kept, std::move(server)});
}

bool Listeners::keep(const Server& server) {
    bool kept = keeper_ != nullptr;
    for (const int fd : server.listening())
        kept = kept && keeper_->keep(local_address(fd), fd);
    return kept;
}

void Listeners::remove(Entry& entry) {
    if (keeper_ != nullptr)
        for (const int fd : entry.server->listening())
            keeper_->forget(local_address(fd));
    close(entry);
    if (!entry.passed) remove_file(entry.listen.address);
}

void Listeners::change(Entry& entry, const config::Listen& listen) {
    if (entry.listen.protocol == listen.protocol) {
        entry.server->reconfigure(listen);
    } else {
        std::vector<Fd> fds = entry.server->release();
        leave(std::exchange(entry.server, serve(listen, std::move(fds))));
    }
    entry.listen = listen;
}

void Listeners::close(Entry& entry) {
    entry.server->stop();
    leave(std::move(entry.server));
}

void Listeners::leave(std::unique_ptr<Server> server) {
    leaving_.push_back(std::move(server));
    looking_.start(loop_, look_every,
                   {[](void* self) { static_cast<Listeners*>(self)->look_at_leaving(); }, this});
}

void Listeners::look_at_leaving() {
    std::erase_if(leaving_, [](const auto& server) { return server->connections() == 0; });
    if (leaving_.empty()) return;
    hurry();
    looking_.start(loop_, look_every,
                   {[](void* self) { static_cast<Listeners*>(self)->look_at_leaving(); }, this});
}

void Listeners::look_for_room() {
    for (Entry& entry : entries_)
        entry.server->watch_listeners();
}

void Listeners::make_room(const Shared& shared) {
    Server* idle = nullptr;
    MonoTime since = MonoTime::max();
    const auto look_at = [&](Server& server) {
        if (!server.is_of(shared)) return;
        const auto there = server.idle_since();
        if (!there || *there >= since) return;
        idle = &server;
        since = *there;
    };
    for (Entry& entry : entries_)
        look_at(*entry.server);
    for (auto& server : leaving_)
        look_at(*server);
    if (idle != nullptr) idle->drop_idle();
}

void Listeners::stop(Files files) {
    // Out of entries_ first: whoever looks meanwhile sees no listener that is half closed.
    for (Entry& entry : std::exchange(entries_, {})) {
        close(entry);
        if (files == Files::remove && !entry.passed && !entry.kept)
            remove_file(entry.listen.address);
    }
}

void Listeners::drop() {
    looking_.stop();
    entries_.clear();
    leaving_.clear();
}

void Listeners::hurry() {
    for (auto& server : leaving_)
        server->hurry();
}

std::size_t Listeners::connections() const {
    std::size_t sum = 0;
    for (const Entry& entry : entries_)
        sum += entry.server->connections();
    for (const auto& server : leaving_)
        sum += server->connections();
    return sum;
}

std::vector<Listeners::Open> Listeners::open() const {
    std::vector<Open> all;
    for (const Entry& entry : entries_)
        all.push_back({&entry.listen, entry.server->connections()});
    return all;
}

std::vector<int> Listeners::descriptors() const {
    std::vector<int> all;
    for (const Entry& entry : entries_)
        std::ranges::copy(entry.server->listening(), std::back_inserter(all));
    return all;
}

std::vector<std::string> Listeners::addresses() const {
    std::vector<std::string> all;
    for (const Entry& entry : entries_)
        all.push_back(entry.listen.address.text());
    return all;
}

} // namespace postseal::serve
