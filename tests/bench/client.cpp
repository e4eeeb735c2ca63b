// SPDX-License-Identifier: BSD-3-Clause
#include "bench/client.h"

#include "bench/clock.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <utility>

namespace postseal::bench {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::size_t longest_reply = 100'000; // Postfix's own limit

timespec to_timespec(std::uint64_t ns) {
    return {.tv_sec = static_cast<time_t>(ns / second), .tv_nsec = static_cast<long>(ns % second)};
}

// The octets that the netstring at the front takes, its text in `reply`; 0: more is needed.
std::size_t netstring(std::string_view in, std::string_view& reply) {
    std::size_t size = 0;
    std::size_t at = 0;
    for (; at < in.size() && in[at] >= '0' && in[at] <= '9'; at++) {
        size = size * 10 + static_cast<std::size_t>(in[at] - '0');
        if (size > longest_reply) die("a reply of more than {} octets", longest_reply);
    }
    if (at == in.size()) return 0;
    if (in[at] != ':' || at == 0) die("no netstring: {}", in.substr(0, 80));
    if (in.size() - at - 1 < size + 1) return 0;
    if (in[at + 1 + size] != ',') die("no netstring: {}", in.substr(0, 80));
    reply = in.substr(at + 1, size);
    return at + size + 2;
}

} // namespace

Client::Client(const Endpoint& endpoint, const std::vector<Key>& keys, const Demand& demand)
    : endpoint_(endpoint), keys_(keys), demand_(demand), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(demand.connections) {
    for (Connection& c : connections_)
        open(c);
}

Client::~Client() {
    for (Connection& c : connections_)
        ::close(c.fd);
    ::close(epoll_);
}

void Client::open(Connection& c) {
    c.fd = endpoint_.socket();
    endpoint_.no_delay(c.fd);
    const std::uint64_t give_up = now_ns() + 10 * second;
    // EAGAIN: the queue of a unix socket is full. A TCP connection may go on being made.
    while (::connect(c.fd, endpoint_.address(), endpoint_.size()) != 0 && errno != EINPROGRESS) {
        if (errno != EAGAIN || now_ns() > give_up) die_of(endpoint_.text());
        ::usleep(1000);
    }
    c.in.resize(std::size_t{1} << 16U);
    c.asked.resize(std::max<std::size_t>(demand_.in_flight, 16));
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &c}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) != 0) die_of("epoll_ctl");
}

Outcome Client::run(Order order, std::uint64_t requests) {
    order_ = std::move(order);
    wanted_ = requests;
    sent_ = 0;
    outcome_ = {};
    outcome_.times.reserve(requests);
    outcome_.begin = now_ns();
    const std::uint64_t give_up =
        outcome_.begin + static_cast<std::uint64_t>(demand_.limit * static_cast<double>(second));
    if (demand_.rate == 0)
        for (Connection& c : connections_)
            fill(c);
    while (outcome_.times.size() < wanted_) {
        if (demand_.rate > 0) ask_what_is_due();
        wait(give_up);
    }
    return std::move(outcome_);
}

void Client::wait(std::uint64_t give_up) {
    std::uint64_t until = give_up;
    if (demand_.rate > 0 && sent_ < wanted_) until = next_due();
    const std::uint64_t now = now_ns();
    if (now >= give_up)
        die("{} of {} answers within {} s", outcome_.times.size(), wanted_, demand_.limit);
    const timespec patience = to_timespec(until > now ? until - now : 0);
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &patience, nullptr);
    for (int i = 0; i < count; i++) {
        auto& c = *static_cast<Connection*>(events[i].data.ptr);
        if ((events[i].events & ~unsigned{EPOLLOUT}) != 0) receive(c);
        if (demand_.rate == 0) fill(c);
        flush(c);
    }
}

std::uint64_t Client::next_due() const {
    const std::uint64_t before = sent_ / demand_.together * demand_.together;
    return outcome_.begin + static_cast<std::uint64_t>(static_cast<double>(before) *
                                                       static_cast<double>(second) / demand_.rate);
}

void Client::ask_what_is_due() {
    const std::uint64_t now = now_ns();
    while (sent_ < wanted_) {
        const std::uint64_t due = next_due();
        if (due > now) break;
        Connection& c = connections_[sent_ / demand_.together % connections_.size()];
        do
            ask(c, due);
        while (sent_ % demand_.together != 0 && sent_ < wanted_);
        flush(c);
    }
}

void Client::fill(Connection& c) {
    if (c.outstanding == demand_.in_flight || sent_ == wanted_) return;
    const std::uint64_t now = now_ns();
    while (c.outstanding < demand_.in_flight && sent_ < wanted_)
        ask(c, now);
    flush(c);
}

void Client::ask(Connection& c, std::uint64_t at) {
    if (c.outstanding == c.asked.size()) {
        std::ranges::rotate(c.asked, c.asked.begin() + static_cast<std::ptrdiff_t>(c.oldest));
        c.oldest = 0;
        c.asked.resize(2 * c.asked.size());
    }
    const std::uint32_t key = order_.next();
    c.asked[(c.oldest + c.outstanding++) % c.asked.size()] = {.at = at, .key = key};
    c.out += keys_[key].request;
    sent_++;
}

void Client::flush(Connection& c) {
    while (c.out_done < c.out.size()) {
        const ssize_t put =
            ::send(c.fd, c.out.data() + c.out_done, c.out.size() - c.out_done, MSG_NOSIGNAL);
        if (put < 0) {
            if (errno != EAGAIN) die_of(endpoint_.text());
            watch(c, true);
            return;
        }
        c.out_done += static_cast<std::size_t>(put);
    }
    c.out.clear();
    c.out_done = 0;
    watch(c, false);
}

void Client::watch(Connection& c, bool out) {
    if (c.wants_out == out) return;
    c.wants_out = out;
    epoll_event event{.events = EPOLLIN | (out ? unsigned{EPOLLOUT} : 0U), .data = {.ptr = &c}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event) != 0) die_of("epoll_ctl");
}

void Client::receive(Connection& c) {
    if (c.in_size == c.in.size()) c.in.resize(2 * c.in.size());
    const ssize_t got = ::recv(c.fd, c.in.data() + c.in_size, c.in.size() - c.in_size, 0);
    if (got == 0) die("{} closed a connection", endpoint_.text());
    if (got < 0) {
        if (errno != EAGAIN) die_of(endpoint_.text());
        return;
    }
    c.in_size += static_cast<std::size_t>(got);
    const std::size_t used = take_replies(c, now_ns());
    std::memmove(c.in.data(), c.in.data() + used, c.in_size - used);
    c.in_size -= used;
}

std::size_t Client::take_replies(Connection& c, std::uint64_t now) {
    std::size_t at = 0;
    std::string_view reply;
    while (const std::size_t size = netstring({c.in.data() + at, c.in_size - at}, reply)) {
        take(c, reply, now);
        at += size;
    }
    return at;
}

void Client::take(Connection& c, std::string_view reply, std::uint64_t now) {
    if (c.outstanding == 0) die("a reply that nobody asked for: {}", reply);
    const Asked asked = c.asked[c.oldest];
    c.oldest = (c.oldest + 1) % c.asked.size();
    c.outstanding--;
    const Key& key = keys_[asked.key];
    if (key.expected && *key.expected != reply) {
        if (outcome_.unexpected++ == 0)
            outcome_.first_unexpected = fmt::format("{}: {}", key.key, reply);
    }
    const std::string_view word = reply.substr(0, reply.find(' '));
    if (const auto found = outcome_.words.find(word); found != outcome_.words.end())
        found->second++;
    else
        outcome_.words.emplace(word, 1);
    outcome_.times.push_back(now - asked.at);
    outcome_.end = now;
}

} // namespace postseal::bench
