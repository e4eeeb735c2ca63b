// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_limits.h"

#include "async/group.h"

#include <algorithm>

namespace postseal::https {

AddressLimits::Permits::Permits(AddressLimits& limits, std::vector<tls::Address> addresses)
    : limits_(&limits), addresses_(std::move(addresses)) {
    for (const tls::Address& address : addresses_)
        limits.places_at(address).users++;
}

AddressLimits::Permits::~Permits() {
    held_.clear();
    for (const tls::Address& address : addresses_) {
        const auto found = limits_->places_.find(address);
        if (--found->second->users == 0) limits_->places_.erase(found);
    }
}

void AddressLimits::Permits::ended(Fetched how) {
    const std::size_t first = limits_->first_;
    for (const tls::Address& address : addresses_) {
        Places& places = limits_->places_at(address);
        if (how != Fetched::not_at_all) places.answered = limits_->loop_.now();
        if (how == Fetched::well)
            limits_->set_places(places, std::min(places.count + 1, growth * first));
        else if (how == Fetched::not_at_all)
            limits_->set_places(places, first);
    }
}

void AddressLimits::set_places(Places& places, std::size_t count) {
    if (places.count == count) return;
    places.count = count;
    places.limiter.set_permits(count);
}

async::Task<std::expected<AddressLimits::Permits, milliseconds>>
AddressLimits::acquire(std::vector<tls::Address> addresses, async::Limiter::ClientId client,
                       milliseconds patience) {
    std::ranges::sort(addresses);
    addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    const MonoTime begun = loop_.now();
    std::optional<Permits> permits;
    async::Nudge taken(loop_);
    async::Group waiter(loop_);
    waiter.start(take(addresses, client, permits, taken));
    while (!permits) {
        const MonoTime end =
            std::min(last_answer(addresses, begun) + patience, begun + max_patience * patience);
        const MonoTime now = loop_.now();
        if (now >= end) co_return std::unexpected(now - begun);
        co_await taken.wait(end - now);
    }
    co_return *std::move(permits);
}

async::Task<> AddressLimits::take(std::vector<tls::Address> addresses,
                                  async::Limiter::ClientId client, std::optional<Permits>& into,
                                  async::Nudge& taken) {
    Permits permits(*this, addresses);
    for (const tls::Address& address : addresses) {
        async::Limiter::Permit permit = co_await places_at(address).limiter.acquire(client);
        permits.held_.push_back(std::move(permit));
    }
    into.emplace(std::move(permits));
    taken.nudge();
}

MonoTime AddressLimits::last_answer(const std::vector<tls::Address>& addresses,
                                    MonoTime begun) const {
    MonoTime last = begun;
    for (const tls::Address& address : addresses) {
        const auto found = places_.find(address);
        if (found != places_.end()) last = std::max(last, found->second->answered);
    }
    return last;
}

AddressLimits::Places& AddressLimits::places_at(const tls::Address& address) {
    auto& places = places_[address];
    if (!places) places = std::make_unique<Places>(loop_, first_);
    return *places;
}

std::size_t AddressLimits::places(const tls::Address& address) const {
    const auto found = places_.find(address);
    return found == places_.end() ? first_ : found->second->count;
}

} // namespace postseal::https
