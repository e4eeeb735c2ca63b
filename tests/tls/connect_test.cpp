// SPDX-License-Identifier: BSD-3-Clause
#include "tls/connect.h"

#include "async/block_on.h"
#include "async/timeout.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

namespace postseal::tls {
namespace {

using namespace std::chrono_literals;

const Address v4 = address_of("127.0.0.1");
const Address v6 = address_of("::1");

Behaviour wait() {
    return [](ServerConnection& client) { client.wait_for_close(); };
}

std::vector<Address> parse(const std::vector<std::string>& texts) {
    std::vector<Address> out;
    out.reserve(texts.size());
    for (const std::string& text : texts)
        out.push_back(address_of(text));
    return out;
}

TEST_CASE("connect: IPv6 and IPv4 take turns, IPv6 first, eight in all") {
    CHECK(take_turns({}).empty());
    CHECK(take_turns(parse({"1.1.1.1", "1.1.1.2", "2001::1", "1.1.1.3", "2001::2"})) ==
          parse({"2001::1", "1.1.1.1", "2001::2", "1.1.1.2", "1.1.1.3"}));
    std::vector<std::string> many;
    for (int i = 1; i < 20; i++)
        many.push_back("1.1.1." + std::to_string(i));
    many.push_back("2001::1");
    const auto order = take_turns(parse(many));
    CHECK(order.size() == max_attempts);
    CHECK(order.front() == Address::parse("2001::1"));
}

TEST_CASE("connect: IPv6 wins when both answer, and IPv4 is not tried") {
    const TlsServer six({}, wait(), {.address = "::1"});
    const TlsServer four({}, wait(), {.port = six.port()});
    async::UvLoop loop;
    const auto result = async::block_on(loop, connect(loop, {v4, v6}, six.port()));
    REQUIRE(result.has_value());
    CHECK(result->address == v6);
    CHECK(four.accepted() == 0);
}

TEST_CASE("connect: a refused IPv6 address costs no head start") {
    const TlsServer four({}, wait());
    async::UvLoop loop;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = async::block_on(loop, connect(loop, {v6, v4}, four.port(), 60s));
    REQUIRE(result.has_value());
    CHECK(result->address == v4);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("connect: a silent IPv6 address costs the head start") {
    const TlsServer four({}, wait());
    const FullListener six("::1", four.port());
    async::UvLoop loop;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = async::block_on(loop, connect(loop, {v6, v4}, four.port()));
    const auto took = std::chrono::steady_clock::now() - begin;
    REQUIRE(result.has_value());
    CHECK(result->address == v4);
    CHECK(took >= default_head_start - 5ms);
    CHECK(took < default_head_start + 5s);
}

TEST_CASE("connect: an address that cannot be reached at all is named with its cause") {
    async::UvLoop loop;
    const auto broadcast = address_of("255.255.255.255");
    const auto result = async::block_on(loop, connect(loop, {broadcast}, 1));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().fault == Fault::connect);
    CHECK(result.error().reason.starts_with("[255.255.255.255] "));
    CHECK_FALSE(result.error().ours);
}

TEST_CASE("connect: no descriptor left is our own want") {
    async::UvLoop loop;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int next = ::dup(STDIN_FILENO);
    REQUIRE(next >= 0);
    ::close(next);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto result = async::block_on(loop, connect(loop, {v4}, 9));
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().ours);
    CHECK(result.error().reason == "[127.0.0.1] Too many open files");
}

TEST_CASE("connect: cancelled, it leaves nothing open") {
    const FullListener full("127.0.0.1");
    async::UvLoop loop; // its end fails when a watch is left
    const auto result = async::block_on(
        loop, async::with_timeout(loop, connect(loop, {v4, v4, v4}, full.port(), 10ms), 100ms));
    CHECK_FALSE(result.has_value());
}

} // namespace
} // namespace postseal::tls
