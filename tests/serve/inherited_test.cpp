// SPDX-License-Identifier: BSD-3-Clause
#include "serve/inherited.h"

#include "serve/folder.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace postseal;
using namespace postseal::serve;

namespace {

// Bound to a port of the kernel's choice.
Fd tcp(int family, int type, bool listening, std::string* address = nullptr) {
    Fd fd(::socket(family, type, 0));
    REQUIRE(fd.valid());
    sockaddr_storage any{};
    any.ss_family = static_cast<sa_family_t>(family);
    socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (family == AF_INET)
        reinterpret_cast<sockaddr_in&>(any).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), size) == 0);
    if (listening) REQUIRE(::listen(fd.get(), 1) == 0);
    if (address != nullptr) *address = local_address(fd.get());
    return fd;
}

config::Listen listen_at(const std::string& address) {
    return {.address = config::parse_address(address).value()};
}

} // namespace

TEST_CASE("what is inherited is found by its address, whatever its order") {
    std::string first, second;
    Inherited inherited;
    Fd fd = tcp(AF_INET, SOCK_STREAM, true, &first);
    const int number = fd.get();
    REQUIRE(inherited.add(std::move(fd)));
    REQUIRE(inherited.add(tcp(AF_INET, SOCK_STREAM, true, &second)));
    CHECK(inherited.size() == 2);
    CHECK_FALSE(inherited.take("inet:127.0.0.1:1").valid());
    auto taken = listen_on(listen_at(first), &inherited);
    REQUIRE(taken);
    CHECK(taken->front().get() == number);
    CHECK(inherited.addresses() == std::vector{second});
    CHECK_FALSE(inherited.take(first).valid());
}

TEST_CASE("of two for one address the first counts") {
    std::string address;
    Inherited inherited;
    Fd fd = tcp(AF_INET, SOCK_STREAM, true, &address);
    Fd copy(::dup(fd.get()));
    const int number = fd.get();
    REQUIRE(inherited.add(std::move(fd)));
    REQUIRE(inherited.add(std::move(copy)));
    CHECK(inherited.size() == 1);
    CHECK(inherited.take(address).get() == number);
}

TEST_CASE("IPv6 addresses are written as the configuration writes them") {
    std::string address;
    Inherited inherited;
    REQUIRE(inherited.add(tcp(AF_INET6, SOCK_STREAM, true, &address)));
    CHECK(address.starts_with("inet:[::]:"));
    CHECK(listen_on(listen_at(address), &inherited));
    CHECK(inherited.size() == 0);
}

TEST_CASE("what is not a listening stream socket is refused in words") {
    Inherited inherited;
    const auto fault = [&](Fd fd) {
        const auto added = inherited.add(std::move(fd));
        return added ? std::string() : added.error();
    };
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const Fd other(ends[1]);
    CHECK(fault(Fd(ends[0])).find("not a listening stream") != std::string::npos);
    CHECK(fault(tcp(AF_INET, SOCK_STREAM, false)).find("not a listening stream") !=
          std::string::npos);
    CHECK(fault(tcp(AF_INET, SOCK_DGRAM, false)).find("not a listening stream") !=
          std::string::npos);
    CHECK(inherited.size() == 0);
}

TEST_CASE("a unix socket whose file is gone is refused: nobody can reach it") {
    const test::Folder folder;
    const config::Listen listen = listen_at("unix:" + (folder.path / "s").string());
    auto first = listen_on(listen);
    REQUIRE(first);
    Fd copy(::dup(first->front().get()));
    Inherited inherited;
    REQUIRE(inherited.add(std::move(copy)));
    const auto again = listen_on(listen, &inherited);
    REQUIRE(again);
    ::unlink(listen.address.path.c_str());
    const auto gone = inherited.add(Fd(::dup(first->front().get())));
    REQUIRE_FALSE(gone);
    CHECK(gone.error() == "the file of " + listen.address.text() + " is gone");
}
