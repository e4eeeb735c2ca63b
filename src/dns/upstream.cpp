// SPDX-License-Identifier: BSD-3-Clause
#include "dns/upstream.h"

#include "dns/resolv_conf.h"

#include <algorithm>
#include <utility>

namespace postseal::dns {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds file_interval = 5s;

AskedServers asked_by(const UnboundOptions& options) {
    if (names_resolv_conf(options.forward)) return AskedServers::system;
    return options.forward.empty() ? AskedServers::authoritative : AskedServers::forwarders;
}

// The network's fault, which others may not share.
bool gives_no_dnssec(const RootCheck& check) {
    return check.fault == RootFault::unreachable || check.fault == RootFault::stripped ||
           check.fault == RootFault::altered;
}

} // namespace

Upstream::Upstream(async::UvLoop& loop, Replaceable<Unbound>& resolver, UnboundOptions options,
                   std::function<WallTime()> wall_clock, Events events)
    : loop_(loop), resolver_(resolver), options_(std::move(options)),
      wall_clock_(std::move(wall_clock)), events_(std::move(events)), asked_(asked_by(options_)) {
    follow_file();
}

void Upstream::reconfigure(UnboundOptions options) {
    options_ = std::move(options);
    asked_ = asked_by(options_);
    generation_++;
    fresh_ = true;
    unusable_ = false;
    follow_file();
}

void Upstream::forget() {
    auto next = open(asked_);
    if (next == nullptr) return;
    generation_++;
    fresh_ = true;
    resolver_.replace(std::move(next));
}

UnboundOptions Upstream::options_for(AskedServers asked) const {
    UnboundOptions options = options_;
    if (asked != asked_by(options_)) options.forward = {std::string(resolv_conf_word)};
    return options;
}

std::optional<AskedServers> Upstream::others() const {
    if (!options_.may_ask_system) return std::nullopt;
    return asked_ == AskedServers::system ? AskedServers::authoritative : AskedServers::system;
}

std::shared_ptr<Unbound> Upstream::open(AskedServers asked) const {
    auto opened = Unbound::open(loop_, options_for(asked));
    return opened ? std::shared_ptr<Unbound>(*std::move(opened)) : nullptr;
}

async::Task<RootCheck> Upstream::ask(std::shared_ptr<Unbound> resolver, AskedServers asked) const {
    const RootAnswer root = co_await resolver->root_keys();
    co_return check_root(root, resolver->anchors(), asked, wall_clock_());
}

async::Task<RootCheck> Upstream::check() {
    for (;;) {
        const unsigned generation = generation_;
        std::shared_ptr<Unbound> asked = resolver_.now();
        // What its files say now may not even be readable; then what is in use is asked.
        if (!std::exchange(fresh_, false))
            if (auto anew = open(asked_)) asked = std::move(anew);
        // Nothing can be bogus for want of the root's keys.
        if (asked->validates_nothing()) co_return RootCheck{};
        const RootCheck found = co_await ask(asked, asked_);
        if (generation != generation_) continue;
        if (found.fault == RootFault::none) {
            if (std::exchange(failing_, false) && asked != resolver_.now()) use(asked, asked_);
            co_return found;
        }
        failing_ = true;
        const std::optional<AskedServers> other = gives_no_dnssec(found) ? others() : std::nullopt;
        std::shared_ptr<Unbound> candidate = other ? open(*other) : nullptr;
        if (candidate == nullptr) co_return found;
        const RootCheck second = co_await ask(candidate, *other);
        if (generation != generation_) continue;
        if (gives_no_dnssec(second)) co_return found;
        use(std::move(candidate), *other);
        failing_ = second.fault != RootFault::none;
        events_.switched(asked_, found);
        co_return second;
    }
}

void Upstream::use(std::shared_ptr<Unbound> resolver, AskedServers asked) {
    resolver_.replace(std::move(resolver));
    asked_ = asked;
    follow_file();
}

void Upstream::follow_file() {
    timer_.stop();
    if (asked_ != AskedServers::system) return;
    servers_ = forward_servers({std::string(resolv_conf_word)}).value_or(std::move(servers_));
    timer_.start(loop_, file_interval,
                 {[](void* self) { static_cast<Upstream*>(self)->look_at_file(); }, this});
}

void Upstream::look_at_file() {
    timer_.start(loop_, file_interval,
                 {[](void* self) { static_cast<Upstream*>(self)->look_at_file(); }, this});
    const auto servers = forward_servers({std::string(resolv_conf_word)});
    if (!servers) {
        if (!std::exchange(unusable_, true)) events_.file_unusable(servers.error());
        return;
    }
    unusable_ = false;
    if (*servers == servers_) return;
    auto next = open(AskedServers::system);
    if (next == nullptr) return;
    servers_ = *servers;
    generation_++;
    fresh_ = true;
    resolver_.replace(std::move(next));
    events_.servers_changed(servers_);
}

} // namespace postseal::dns
