// https/address_limits.h: at most so many fetches at once for one address
//
// Many domains point at one provider's policy host: it is not to be asked by all of them at once.
// Who needs several addresses has a permit for each; they are waited for in the order of the
// addresses, so that nobody waits in a circle. First come, first served.
// The limits outlive their Permits and waiters. Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/task.h"
#include "tls/address.h"

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace postseal::https {

class AddressLimits {
  public:
    class [[nodiscard]] Permits {
      public:
        explicit Permits(AddressLimits& limits) : limits_(&limits) {}
        Permits(Permits&& other) noexcept = default;
        Permits& operator=(Permits&& other) = delete;
        Permits(const Permits&) = delete;
        Permits& operator=(const Permits&) = delete;
        ~Permits();

      private:
        friend class AddressLimits;
        AddressLimits* limits_;
        std::vector<std::pair<tls::Address, async::Limiter::Permit>> held_;
    };

    AddressLimits(async::Loop& loop, std::size_t each) : loop_(loop), each_(each) {}
    AddressLimits(const AddressLimits&) = delete;
    AddressLimits& operator=(const AddressLimits&) = delete;
    ~AddressLimits() = default;

    [[nodiscard]] async::Task<Permits> acquire(std::vector<tls::Address> addresses);
    // That somebody has or waits for.
    [[nodiscard]] std::size_t addresses() const { return limiters_.size(); }

  private:
    async::Limiter& limiter_of(const tls::Address& address);
    void drop_if_idle(const tls::Address& address);

    async::Loop& loop_;
    std::size_t each_;
    std::map<tls::Address, std::unique_ptr<async::Limiter>> limiters_;
};

} // namespace postseal::https
