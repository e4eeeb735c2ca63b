// SPDX-License-Identifier: BSD-3-Clause
#include "service/predecessor.h"

#include "serve/folder.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace postseal;
using service::Predecessor;

namespace {

constexpr uid_t stranger = 65'533;

std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

int unix_listener(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(fd, 10);
    return fd;
}

int tcp_listener() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in any{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    ::listen(fd, 10);
    return fd;
}

// The old daemon's side of a connection.
class Conversation {
  public:
    explicit Conversation(int fd) : fd_(fd) {}
    // Whatever else is asked: no answer, and the process ends.
    void expect(std::string_view command) const {
        const std::string wanted = "{\"command\":\"" + std::string(command) + "\"}\n";
        std::string got;
        char c = 0;
        while (!got.ends_with('\n') && ::recv(fd_, &c, 1, 0) == 1)
            got += c;
        if (got != wanted) ::_exit(1);
    }
    void expect_nothing() const {
        char c = 0;
        if (::recv(fd_, &c, 1, 0) != 0) ::_exit(1);
    }
    void send(std::string_view text, const std::vector<int>& passed = {}) const {
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)] = {};
        iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (!passed.empty()) {
            message.msg_control = control;
            message.msg_controllen = CMSG_SPACE(sizeof(int) * passed.size());
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int) * passed.size());
            std::memcpy(CMSG_DATA(header), passed.data(), sizeof(int) * passed.size());
        }
        if (::sendmsg(fd_, &message, MSG_NOSIGNAL) < 0) ::_exit(1);
    }
    // Until the other side has closed.
    void stay() const {
        char buffer[256];
        while (::recv(fd_, buffer, sizeof buffer, 0) > 0) {
        }
    }

  private:
    int fd_;
};

// A process at an admin socket that has one conversation and ends.
class OldDaemon {
  public:
    explicit OldDaemon(const std::function<void(const Conversation&)>& talk, uid_t user = 0) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        process_ = ::fork();
        REQUIRE(process_ >= 0);
        if (process_ == 0) {
            ::close(ready[0]);
            ::alarm(30);
            const int fd = unix_listener(socket());
            // listen() says whose socket it is.
            if (user != 0 && (::setuid(user) != 0 || ::listen(fd, 10) != 0)) ::_exit(1);
            ::close(ready[1]);
            const int connection = ::accept(fd, nullptr, nullptr);
            ::close(fd);
            talk(Conversation(connection));
            ::_exit(0);
        }
        ::close(ready[1]);
        char c = 0;
        CHECK(::read(ready[0], &c, 1) == 0);
        ::close(ready[0]);
    }
    OldDaemon(const OldDaemon&) = delete;
    OldDaemon& operator=(const OldDaemon&) = delete;
    // By then the other side has closed, so that stay() has returned.
    ~OldDaemon() {
        int status = -1;
        ::waitpid(process_, &status, 0);
        CHECK(status == 0); // it was asked what it expected
    }
    void await_end() const {
        siginfo_t info{};
        CHECK(::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT) == 0);
    }
    [[nodiscard]] std::string socket() const { return folder_.path / "admin"; }

  private:
    test::Folder folder_;
    pid_t process_ = -1;
};

// What find() says: an error, "nobody" or "found". No descriptor stays open.
std::string found(const OldDaemon& old, const std::string& user = "") {
    const std::ptrdiff_t before = open_descriptors();
    std::string outcome;
    {
        const auto predecessor = Predecessor::find(old.socket(), user);
        outcome = !predecessor ? predecessor.error() : *predecessor ? "found" : "nobody";
    }
    CHECK(open_descriptors() == before);
    return outcome;
}

std::string found(const std::function<void(const Conversation&)>& talk) {
    const OldDaemon old(talk);
    std::string outcome = found(old);
    // Every sentence that names the daemon names it by its socket.
    if (const auto at = outcome.find(old.socket()); at != std::string::npos)
        outcome.replace(at, old.socket().size(), "SOCKET");
    return outcome;
}

} // namespace

TEST_CASE("no predecessor: no socket, or one at which nobody listens") {
    const test::Folder folder;
    const std::string socket = folder.path / "admin";
    const std::ptrdiff_t before = open_descriptors();
    auto none = Predecessor::find(socket, "");
    REQUIRE(none);
    CHECK_FALSE(*none);
    ::close(unix_listener(socket));
    none = Predecessor::find(socket, "");
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK(open_descriptors() == before);
}

TEST_CASE("a predecessor hands over its sockets, ends when it is asked to, and leaves no file") {
    const std::ptrdiff_t before = open_descriptors();
    {
        const test::Folder folder;
        const std::string taken = folder.path / "taken", left = folder.path / "left",
                          last_act = folder.path / "last";
        const OldDaemon old([&](const Conversation& client) {
            client.expect("hand-over");
            client.send("{\"ok\":", {unix_listener(taken), tcp_listener()});
            // One that is of no use comes with the rest of the line.
            client.send("true}\n", {unix_listener(left), ::socket(AF_INET, SOCK_DGRAM, 0)});
            client.expect("give-way");
            client.send("{\"ok\":true}\n");
            ::usleep(50'000);
            ::close(unix_listener(last_act));
        });
        auto predecessor = Predecessor::find(old.socket(), "");
        REQUIRE(predecessor);
        REQUIRE(*predecessor);
        serve::Inherited& listeners = (*predecessor)->listeners();
        CHECK(listeners.size() == 3);
        const async::Fd fd = listeners.take("unix:" + taken);
        CHECK(fd.valid());
        CHECK((*predecessor)->end());
        CHECK(std::filesystem::exists(last_act)); // end() has waited for it
        CHECK((*predecessor)->listeners().size() == 0);
        CHECK(std::filesystem::exists(taken));
        CHECK_FALSE(std::filesystem::exists(left));
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("a predecessor's refusal is an error with its reason") {
    const auto answer = [](std::string_view line) {
        return found([line](const Conversation& client) {
            client.expect("hand-over");
            client.send(line, {tcp_listener()});
            client.stay();
        });
    };
    const std::string refused = "the running daemon at SOCKET does not hand over: ";
    CHECK(answer("{\"ok\":false,\"error\":\"systemd\\u001bholds them\"}\n") ==
          refused + "systemd?holds them");
    CHECK(answer("{\"ok\":\"true\"}\n") == refused + "no reason given");
    CHECK(answer("{\"error\":7}\n") == refused + "no reason given");
    CHECK(answer("[true]\n") == refused + "it is not postseald");
    CHECK(answer("220 mail.example ESMTP\n") == refused + "it is not postseald");
    CHECK(answer("\n") == refused + "it is not postseald");
}

TEST_CASE("a line without an end is no predecessor's") {
    CHECK(found([](const Conversation& client) {
              client.expect("hand-over");
              for (int i = 0; i < 5; i++)
                  client.send(std::string(4096, ' '));
              client.stay();
          }) == "the running daemon at SOCKET does not hand over: it is not postseald");
}

TEST_CASE("a predecessor that dies before it has handed over has ended") {
    CHECK(found([](const Conversation&) {}) == "nobody"); // before it reads
    CHECK(found([](const Conversation& client) { client.expect("hand-over"); }) == "nobody");
    CHECK(found([](const Conversation& client) {
              client.expect("hand-over");
              client.send("{\"ok\":tr", {tcp_listener()});
          }) == "nobody");
    // One that is ending has nothing to hand over.
    CHECK(found([](const Conversation& client) {
              client.expect("hand-over");
              client.send("{\"ok\":true}\n");
          }) == "nobody");
}

TEST_CASE("a predecessor that dies when it is asked to end has ended; one may also refuse") {
    for (const bool refuses : {false, true}) {
        CAPTURE(refuses);
        const std::ptrdiff_t before = open_descriptors();
        {
            const OldDaemon old([&](const Conversation& client) {
                client.expect("hand-over");
                client.send("{\"ok\":true}\n", {tcp_listener()});
                client.expect("give-way");
                if (!refuses) return;
                client.send("{\"ok\":false,\"error\":\"not now\"}\n");
                client.stay();
            });
            auto predecessor = Predecessor::find(old.socket(), "");
            REQUIRE(predecessor);
            REQUIRE(*predecessor);
            const auto ended = (*predecessor)->end();
            CHECK(ended.has_value() == !refuses);
            if (!ended) CHECK(ended.error().ends_with("does not hand over: not now"));
            CHECK((*predecessor)->listeners().size() == (refuses ? 1 : 0));
        }
        CHECK(open_descriptors() == before);
    }
}

TEST_CASE("a predecessor that has died since it handed over has ended") {
    const OldDaemon old([](const Conversation& client) {
        client.expect("hand-over");
        client.send("{\"ok\":true}\n", {tcp_listener()});
    });
    auto predecessor = Predecessor::find(old.socket(), "");
    REQUIRE(predecessor);
    REQUIRE(*predecessor);
    old.await_end();
    CHECK((*predecessor)->end());
}

TEST_CASE("sockets for which we have no descriptors are an error, and none stays open") {
    const OldDaemon old([](const Conversation& client) {
        client.expect("hand-over");
        client.send("{\"ok\":true}\n",
                    {tcp_listener(), tcp_listener(), tcp_listener(), tcp_listener()});
        client.stay();
    });
    const std::ptrdiff_t before = open_descriptors();
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const int lowest = ::dup(0);
    REQUIRE(lowest >= 0);
    ::close(lowest);
    rlimit low = limit;
    low.rlim_cur = static_cast<rlim_t>(lowest) + 3; // the connection, its process and one more
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const auto predecessor = Predecessor::find(old.socket(), "");
    ::setrlimit(RLIMIT_NOFILE, &limit);
    REQUIRE_FALSE(predecessor);
    CHECK(predecessor.error() ==
          "not all listening sockets arrived: raise the limit of open files");
    CHECK(open_descriptors() == before);
}

// Only root can be somebody else.
TEST_CASE("a stranger's socket is not believed" * doctest::skip(::geteuid() != 0)) {
    const OldDaemon old([](const Conversation& client) { client.expect_nothing(); }, stranger);
    CHECK(found(old, "root") == old.socket() +
                                    " is a socket of user 65533, who is neither root nor the "
                                    "daemon's: remove it, and see who may write to its folder");
}
