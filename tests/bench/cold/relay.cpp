// relay: a path on which every packet takes its time, inside one network namespace
//
// Servers are at 10.53.0.0/16 on loopback. Whoever asks at 10.54.a.b instead reaches 10.53.a.b by
// this relay: a TUN device takes the packet, which is held for half of the round trip and then
// delivered as one from 10.55.255.1, whose answers come back the same way. The sums of the two
// addresses are the same before and after, and so are the checksums of all layers. By IPv6 it is
// fd00:35::/32 (53 in hexadecimal), fd00:36::/32 and fd00:37::/32.
// Commands on standard input, each answered by a line: "delay MS" (of a round trip), "lose N HEX"
// (the next N packets of the client that contain these octets, as a DNS question of a name and
// type), "count" (DNS packets of the client since the last count).
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/endpoint.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace postseal::bench;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

constexpr std::uint8_t real_net = 53;
constexpr std::uint8_t delayed_net = 54;
constexpr std::uint8_t client_net = 55;
constexpr std::size_t mtu = 1500;

// Of the next packets with these octets.
struct Loss {
    std::size_t packets;
    std::string octets;
};

struct Packet {
    Clock::time_point due;
    std::string octets;
};

std::uint8_t octet(const std::string& packet, std::size_t at) {
    return static_cast<std::uint8_t>(packet[at]);
}

// Where an IP header has what matters here (RFC 791 section 3.1, RFC 8200 section 3): of an address
// the octet that tells the three networks apart.
struct Header {
    std::size_t octets;
    std::size_t protocol;
    std::size_t source_net;
    std::size_t target_net;
};
constexpr Header ipv4{.octets = 20, .protocol = 9, .source_net = 13, .target_net = 17};
constexpr Header ipv6{.octets = 40, .protocol = 6, .source_net = 11, .target_net = 27};

const Header* header_of(const std::string& packet) {
    const unsigned version = packet.empty() ? 0 : octet(packet, 0) >> 4U;
    const Header* header = version == 4 ? &ipv4 : version == 6 ? &ipv6 : nullptr;
    return header != nullptr && packet.size() >= header->octets ? header : nullptr;
}

// False: it is not for anybody here.
bool redirect(std::string& packet, const Header& header) {
    const auto from = octet(packet, header.source_net);
    const auto to = octet(packet, header.target_net);
    const auto set = [&](std::uint8_t source, std::uint8_t target) {
        packet[header.source_net] = static_cast<char>(source);
        packet[header.target_net] = static_cast<char>(target);
        return true;
    };
    if (from == delayed_net && to == delayed_net) return set(client_net, real_net);
    if (from == real_net && to == client_net) return set(delayed_net, delayed_net);
    return false;
}

// Its payload is DNS, by UDP. IPv4 has no options here, nor IPv6 extension headers.
bool is_question(const std::string& packet, const Header& header) {
    const std::size_t port = header.octets + 2;
    return octet(packet, header.protocol) == IPPROTO_UDP && packet.size() > port + 2 &&
           octet(packet, port) == 0 && octet(packet, port + 1) == 53;
}

std::string from_hex(std::string_view hex) {
    std::string octets;
    for (; hex.size() >= 2; hex.remove_prefix(2)) {
        unsigned value = 0;
        std::from_chars(hex.data(), hex.data() + 2, value, 16);
        octets += static_cast<char>(value);
    }
    return octets;
}

int open_tun(const char* name) {
    const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) die_of("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::string_view(name).copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(fd, TUNSETIFF, &request) != 0) die_of(name);
    return fd;
}

class Relay {
  public:
    explicit Relay(int tun) : tun_(tun) {}

    void run() {
        for (;;) {
            deliver();
            std::array<pollfd, 2> watched{{{.fd = tun_, .events = POLLIN, .revents = 0},
                                           {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}}};
            const timespec patience = until_next();
            ::ppoll(watched.data(), watched.size(), held_.empty() ? nullptr : &patience, nullptr);
            if (watched[0].revents != 0) take();
            if (watched[1].revents != 0 && !obey()) return;
        }
    }

  private:
    [[nodiscard]] timespec until_next() const {
        if (held_.empty()) return {};
        const auto left = std::max(held_.front().due - Clock::now(), Clock::duration{0});
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
        return {.tv_sec = whole.count(), .tv_nsec = (left - whole).count()};
    }

    void deliver() {
        const auto now = Clock::now();
        for (; !held_.empty() && held_.front().due <= now; held_.pop_front())
            // A packet that finds no room is lost, as packets are.
            if (::write(tun_, held_.front().octets.data(), held_.front().octets.size()) < 0 &&
                errno != EAGAIN && errno != ENOBUFS)
                die_of("tun");
    }

    bool is_lost(const std::string& packet) {
        const auto loss = std::ranges::find_if(losses_, [&](const Loss& each) {
            return each.packets > 0 && packet.contains(each.octets);
        });
        if (loss == losses_.end()) return false;
        loss->packets--;
        return true;
    }

    void take() {
        std::array<char, mtu> in{};
        for (;;) {
            const ssize_t got = ::read(tun_, in.data(), in.size());
            if (got <= 0) return;
            std::string packet(in.data(), static_cast<std::size_t>(got));
            const Header* header = header_of(packet);
            if (header == nullptr) continue;
            const bool of_client = octet(packet, header->target_net) == delayed_net;
            if (of_client && is_question(packet, *header)) questions_++;
            if (of_client && is_lost(packet)) continue;
            if (redirect(packet, *header))
                held_.push_back({Clock::now() + half_, std::move(packet)});
        }
    }

    // False: whoever commands has gone.
    bool obey() {
        std::array<char, 1024> in{};
        const ssize_t got = ::read(STDIN_FILENO, in.data(), in.size());
        if (got <= 0) return false;
        pending_.append(in.data(), static_cast<std::size_t>(got));
        for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
            obey(pending_.substr(0, end));
            pending_.erase(0, end + 1);
        }
        return true;
    }

    void obey(const std::string& line) {
        constexpr std::string_view delay = "delay ";
        constexpr std::string_view lose = "lose ";
        if (line.starts_with(delay)) {
            half_ = Micros(std::atol(line.c_str() + delay.size()) * 500);
            fmt::print("ok\n");
        } else if (line.starts_with(lose)) {
            char* hex = nullptr;
            const std::size_t packets = std::strtoul(line.c_str() + lose.size(), &hex, 10);
            losses_.push_back({packets, from_hex(std::string_view(hex).substr(1))});
            fmt::print("ok\n");
        } else if (line == "count") {
            fmt::print("{}\n", questions_);
            questions_ = 0;
        } else {
            die("{}: unknown command", line);
        }
        std::fflush(stdout);
    }

    int tun_;
    Micros half_{0};
    std::deque<Packet> held_; // in the order of their times, for the delay is the same for all
    std::vector<Loss> losses_;
    std::string pending_;
    std::size_t questions_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) die("usage: relay DEVICE");
    Relay relay(open_tun(argv[1]));
    fmt::print("ready\n");
    std::fflush(stdout);
    relay.run();
}
