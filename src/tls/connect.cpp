// SPDX-License-Identifier: BSD-3-Clause
#include "tls/connect.h"

#include "async/group.h"
#include "async/nudge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

namespace postseal::tls {
namespace {

struct Endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;

    Endpoint(const Address& address, std::uint16_t port) {
        if (address.family == Address::Family::v4) {
            sockaddr_in in{};
            in.sin_family = AF_INET;
            in.sin_port = htons(port);
            std::memcpy(&in.sin_addr, address.octets.data(), sizeof(in.sin_addr));
            std::memcpy(&storage, &in, size = sizeof(in));
        } else {
            sockaddr_in6 in{};
            in.sin6_family = AF_INET6;
            in.sin6_port = htons(port);
            std::memcpy(&in.sin6_addr, address.octets.data(), sizeof(in.sin6_addr));
            std::memcpy(&storage, &in, size = sizeof(in));
        }
    }
    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

bool is_ours(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
           error == EADDRNOTAVAIL || error == EAGAIN;
}

// What the attempts report.
struct Race {
    async::Nudge news;
    std::optional<Connected> won;
    std::vector<std::string> lost;
    bool ours = false; // one was lost by our own want

    void win(async::Fd socket, const Address& address) {
        if (!won) won.emplace(std::move(socket), address);
        news.nudge();
    }
    void lose(const Address& address, int error) {
        lost.push_back(
            fmt::format("[{}] {}", address.to_string(), std::generic_category().message(error)));
        ours = ours || is_ours(error);
        news.nudge();
    }
};

async::Task<> attempt(async::UvLoop& loop, Race& race, Address address, std::uint16_t port) {
    const Endpoint endpoint(address, port);
    async::Fd socket(::socket(endpoint.storage.ss_family,
                              SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (socket.get() < 0) {
        race.lose(address, errno);
        co_return;
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(socket.get(), endpoint.get(), endpoint.size) != 0) {
        if (errno != EINPROGRESS) {
            race.lose(address, errno);
            co_return;
        }
        co_await async::FdReady(loop, socket.get(), async::FdWatch::writable);
        int error = 0;
        socklen_t size = sizeof(error);
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            race.lose(address, error);
            co_return;
        }
    }
    race.win(std::move(socket), address);
}

} // namespace

std::vector<Address> take_turns(const std::vector<Address>& addresses) {
    std::vector<Address> v6;
    std::vector<Address> v4;
    for (const Address& address : addresses)
        (address.family == Address::Family::v6 ? v6 : v4).push_back(address);
    std::vector<Address> order;
    for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); i++) {
        if (i < v6.size()) order.push_back(v6[i]);
        if (i < v4.size()) order.push_back(v4[i]);
    }
    if (order.size() > max_attempts) order.resize(max_attempts, Address{});
    return order;
}

async::Task<std::expected<Connected, Error>> connect(async::UvLoop& loop,
                                                     std::vector<Address> addresses,
                                                     std::uint16_t port, milliseconds head_start) {
    const std::vector<Address> order = take_turns(addresses);
    Race race{.news = async::Nudge(loop), .won = {}, .lost = {}, .ours = false};
    async::Group attempts(loop);
    std::size_t started = 0;
    while (!race.won && race.lost.size() < order.size()) {
        if (started < order.size()) {
            attempts.start(attempt(loop, race, order[started], port));
            started++;
        }
        std::optional<milliseconds> limit;
        if (started < order.size()) limit = head_start;
        co_await race.news.wait(limit);
    }
    if (race.won) co_return std::move(*race.won);
    co_return std::unexpected(Error{.fault = Fault::connect,
                                    .reason = fmt::format("{}", fmt::join(race.lost, ", ")),
                                    .ours = race.ours});
}

} // namespace postseal::tls
