// support/fake_fetcher.h: policy hosts as a table of texts
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "https/policy_fetch.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace postseal::test {

class FakeFetcher final : public https::PolicyFetcher {
  public:
    explicit FakeFetcher(async::Loop& loop) : loop_(loop) {}

    // What the host of the domain serves from now on; a text that is not a policy is
    // FetchFault::policy.
    void serve(const std::string& domain, std::string body) { hosts_[domain] = {std::move(body)}; }
    void fail(const std::string& domain, https::FetchFault fault, std::string reason) {
        hosts_[domain] = {.fault = https::FetchError{fault, std::move(reason)}};
    }
    void fail_by_us(const std::string& domain, std::string reason) {
        hosts_[domain] = {.fault =
                              https::FetchError{https::FetchFault::dns, std::move(reason), true}};
    }
    // What its answers say that the time is, from now on.
    void dated(const std::string& domain, std::string address, WallTime date) {
        hosts_.at(domain).address = std::move(address);
        hosts_.at(domain).date = date;
    }
    void delay(milliseconds delay) { delay_ = delay; }
    // So long nobody is asked: others come first.
    void turn_after(milliseconds wait) { turn_after_ = wait; }
    [[nodiscard]] std::size_t fetches() const { return fetches_; }
    [[nodiscard]] async::Limiter::ClientId last_client() const { return last_client_; }

    async::Task<https::FetchResult> fetch(Domain policy_domain, dns::Asker asker) override;

  private:
    struct Host {
        std::string body;
        std::optional<https::FetchError> fault;
        std::optional<WallTime> date{};
        std::string address{};
    };
    async::Loop& loop_;
    std::map<std::string, Host> hosts_;
    milliseconds delay_{20};
    milliseconds turn_after_{0};
    std::size_t fetches_ = 0;
    async::Limiter::ClientId last_client_ = nullptr;
};

} // namespace postseal::test
