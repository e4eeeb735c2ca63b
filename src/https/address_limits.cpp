// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_limits.h"

#include <algorithm>

namespace postseal::https {

AddressLimits::Permits::~Permits() {
    for (auto& [address, permit] : held_) {
        permit.release();
        limits_->drop_if_idle(address);
    }
}

async::Task<AddressLimits::Permits> AddressLimits::acquire(std::vector<tls::Address> addresses) {
    std::ranges::sort(addresses);
    addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    Permits permits(*this);
    for (const tls::Address& address : addresses) {
        async::Limiter::Permit permit = co_await limiter_of(address).acquire();
        permits.held_.emplace_back(address, std::move(permit));
    }
    co_return permits;
}

async::Limiter& AddressLimits::limiter_of(const tls::Address& address) {
    auto& limiter = limiters_[address];
    if (!limiter) limiter = std::make_unique<async::Limiter>(loop_, each_);
    return *limiter;
}

void AddressLimits::drop_if_idle(const tls::Address& address) {
    const auto found = limiters_.find(address);
    if (found != limiters_.end() && found->second->in_use() == 0 && found->second->waiting() == 0)
        limiters_.erase(found);
}

} // namespace postseal::https
