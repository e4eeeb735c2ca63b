// https/address_limits.h: limits how many policies are fetched from one address at once
//
// Many domains point at one provider's policy host: it is not to be asked by all of them at once.
// There are `first` places at an address. Each policy adds one, up to `growth` times as many; where
// no connection can be made, or no answer comes in time, there are `first` again. An address that
// nobody has or waits for is forgotten.
// Who needs several addresses has a place at each; they are waited for in the order of the
// addresses, so that nobody waits in a circle. The clients that wait take turns, and of one client
// the first comes first. A wait is given up when these addresses have answered nobody for
// `patience`, or after `max_patience` times as long.
// The limits outlive their Permits and waiters.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/nudge.h"
#include "async/task.h"
#include "tls/address.h"

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace postseal::https {

enum class Fetched {
    well,       // a policy
    badly,      // an answer, but no policy
    not_at_all, // no connection, or no answer in time
};

class AddressLimits {
  public:
    static constexpr std::size_t growth = 8;
    static constexpr int max_patience = 4;

    class [[nodiscard]] Permits {
      public:
        Permits(Permits&& other) noexcept = default;
        Permits& operator=(Permits&& other) = delete;
        Permits(const Permits&) = delete;
        Permits& operator=(const Permits&) = delete;
        ~Permits();

        // What came of the fetch.
        void ended(Fetched how);

      private:
        friend class AddressLimits;
        Permits(AddressLimits& limits, std::vector<tls::Address> addresses);

        AddressLimits* limits_;
        std::vector<tls::Address> addresses_;
        std::vector<async::Limiter::Permit> held_; // of the first addresses, in the end of all
    };

    AddressLimits(async::Loop& loop, std::size_t first) : loop_(loop), first_(first) {}
    AddressLimits(const AddressLimits&) = delete;
    AddressLimits& operator=(const AddressLimits&) = delete;
    ~AddressLimits() = default;

    // Error: how long the wait lasted before it was given up.
    [[nodiscard]] async::Task<std::expected<Permits, milliseconds>>
    acquire(std::vector<tls::Address> addresses, async::Limiter::ClientId client,
            milliseconds patience);
    // That somebody has or waits for.
    [[nodiscard]] std::size_t addresses() const { return places_.size(); }
    // At the address, as things are.
    [[nodiscard]] std::size_t places(const tls::Address& address) const;

  private:
    struct Places {
        Places(async::Loop& loop, std::size_t first) : count(first), limiter(loop, first) {}

        std::size_t count;
        std::size_t users = 0; // that have or wait for one, here or at another address first
        MonoTime answered = MonoTime::min(); // last; min: never
        async::Limiter limiter;
    };
    async::Task<> take(std::vector<tls::Address> addresses, async::Limiter::ClientId client,
                       std::optional<Permits>& into, async::Nudge& taken);
    Places& places_at(const tls::Address& address);
    void set_places(Places& places, std::size_t count);
    [[nodiscard]] MonoTime last_answer(const std::vector<tls::Address>& addresses,
                                       MonoTime begun) const;

    async::Loop& loop_;
    std::size_t first_;
    std::map<tls::Address, std::unique_ptr<Places>> places_;
};

} // namespace postseal::https
