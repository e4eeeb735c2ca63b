// ceiling ADDRESS:PORT|PATH [REPLY]: the cheapest socketmap server that can be
//
// One epoll thread, no lookup: every netstring is answered by the same one. What it does in the
// same minute on the same machine is what postseald is measured against. Several may share a port.
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/endpoint.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string_view>

namespace {

using namespace postseal::bench;

struct Connection {
    int fd;
    std::size_t in_size = 0;
    std::size_t out_size = 0;
    std::size_t out_done = 0;
    std::array<char, 65536> in;
    std::array<char, 262144> out;

    explicit Connection(int f) : fd(f) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(fd); }
};

class Ceiling {
  public:
    Ceiling(const Endpoint& endpoint, std::string_view reply)
        : endpoint_(endpoint), reply_(fmt::format("{}:{},", reply.size(), reply)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(endpoint.socket()) {
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (!endpoint.is_unix())
            ::setsockopt(listener_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        else
            ::unlink(endpoint.text().c_str());
        if (::bind(listener_, endpoint.address(), endpoint.size()) != 0 ||
            ::listen(listener_, 1024) != 0)
            die_of(endpoint.text());
        watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 128> events{};
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < count; i++) {
                auto* connection = static_cast<Connection*>(events[i].data.ptr);
                if (connection == nullptr)
                    accept_one();
                else if (!serve(*connection))
                    delete connection;
            }
        }
    }

  private:
    void watch(int operation, int fd, unsigned wanted, Connection* connection) const {
        epoll_event event{.events = wanted, .data = {.ptr = connection}};
        if (::epoll_ctl(epoll_, operation, fd, &event) != 0) die_of("epoll_ctl");
    }

    void accept_one() const {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        endpoint_.no_delay(fd);
        // Its end is when serve() says so.
        auto connection = std::make_unique<Connection>(fd);
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, connection.get());
        connection.release();
    }

    // False: the connection is over.
    bool serve(Connection& c) const {
        if (c.out_done < c.out_size) {
            if (!flush(c)) return false;
            if (c.out_done < c.out_size) return true;
            watch(EPOLL_CTL_MOD, c.fd, EPOLLIN, &c);
        }
        const ssize_t got = ::recv(c.fd, c.in.data() + c.in_size, c.in.size() - c.in_size, 0);
        if (got < 0) return errno == EAGAIN;
        if (got == 0) return false;
        c.in_size += static_cast<std::size_t>(got);
        return answer_all(c) && flush(c);
    }

    bool answer_all(Connection& c) const {
        std::size_t begin = 0;
        for (;;) {
            std::size_t at = begin;
            std::size_t size = 0;
            while (at < c.in_size && c.in[at] >= '0' && c.in[at] <= '9' && size < 10000)
                size = size * 10 + static_cast<std::size_t>(c.in[at++] - '0');
            if (at == c.in_size) break;
            if (c.in[at] != ':' || size >= 10000) return false;
            if (c.in_size - at - 1 < size + 1) break;
            if (c.in[at + 1 + size] != ',' || c.out_size + reply_.size() > c.out.size())
                return false;
            reply_.copy(c.out.data() + c.out_size, reply_.size());
            c.out_size += reply_.size();
            begin = at + size + 2;
        }
        std::memmove(c.in.data(), c.in.data() + begin, c.in_size - begin);
        c.in_size -= begin;
        return true;
    }

    bool flush(Connection& c) const {
        while (c.out_done < c.out_size) {
            const ssize_t put =
                ::send(c.fd, c.out.data() + c.out_done, c.out_size - c.out_done, MSG_NOSIGNAL);
            if (put < 0) {
                if (errno != EAGAIN) return false;
                watch(EPOLL_CTL_MOD, c.fd, EPOLLOUT, &c);
                return true;
            }
            c.out_done += static_cast<std::size_t>(put);
        }
        c.out_size = c.out_done = 0;
        return true;
    }

    const Endpoint& endpoint_;
    std::string reply_;
    int epoll_;
    int listener_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) die("usage: ceiling ADDRESS:PORT|PATH [REPLY]");
    std::signal(SIGPIPE, SIG_IGN);
    const Endpoint endpoint(argv[1]);
    Ceiling(endpoint, argc == 3 ? argv[2] : "OK secure match=mx.example.test servername=hostname")
        .run();
}
