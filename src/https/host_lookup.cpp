// SPDX-License-Identifier: BSD-3-Clause
#include "https/host_lookup.h"

#include "postseal/base/text.h"

#include <algorithm>
#include <utility>

namespace postseal::https {

HostLookup::HostLookup(async::Loop& loop, dns::Resolver& resolver, std::string host,
                       dns::Asker asker)
    : resolver_(resolver, asker), host_(std::move(host)), news_(loop),
      families_{Family{.type = dns::RrType::aaaa, .answer = {}},
                Family{.type = dns::RrType::a, .answer = {}}},
      group_(loop) {
    for (Family& family : families_)
        group_.start(ask(family));
}

async::Task<> HostLookup::ask(Family& family) {
    family.answer = co_await resolver_.resolve(host_, family.type);
    family.answered = true;
    news_.nudge();
}

bool HostLookup::more() const {
    return std::ranges::any_of(families_, [](const Family& f) { return !f.given; });
}

std::vector<tls::Address> HostLookup::take() {
    std::vector<tls::Address> addresses;
    for (Family& family : families_) {
        if (family.given || !family.answered) continue;
        family.given = true;
        if (family.answer.status != dns::Status::found) continue;
        for (const std::string& rdata : family.answer.rdata)
            if (const auto address = tls::Address::from_rdata(rdata)) addresses.push_back(*address);
    }
    return addresses;
}

FetchError HostLookup::no_address() const {
    std::string failures;
    bool ours = false;
    FetchFault fault = FetchFault::dns;
    for (const Family& family : families_) {
        if (!dns::is_failure(family.answer)) continue;
        if (family.answer.failure == dns::Failure::unvalidated) ours = true;
        if (is_unasked(family.answer)) fault = FetchFault::no_turn;
        append_clause(failures, dns::failure_clause(host_, family.type, family.answer));
    }
    if (!failures.empty()) return {.fault = fault, .reason = std::move(failures), .ours = ours};
    const bool exists = std::ranges::any_of(
        families_, [](const Family& f) { return f.answer.status != dns::Status::nxdomain; });
    return {.fault = FetchFault::dns,
            .reason = host_ + (exists ? " has no address" : " does not exist"),
            .no_host = true};
}

async::Task<std::expected<std::vector<tls::Address>, FetchError>> HostLookup::next() {
    std::vector<tls::Address> addresses = take();
    while (addresses.empty() && more()) {
        co_await news_.wait();
        addresses = take();
    }
    if (addresses.empty()) co_return std::unexpected(no_address());
    if (more()) {
        co_await news_.wait(address_grace);
        std::ranges::copy(take(), std::back_inserter(addresses));
    }
    co_return addresses;
}

} // namespace postseal::https
