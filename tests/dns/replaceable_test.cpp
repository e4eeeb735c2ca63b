// SPDX-License-Identifier: BSD-3-Clause
#include "dns/replaceable.h"

#include "async/group.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <optional>

namespace postseal::test {
namespace {

using namespace std::chrono_literals;

constexpr auto slow_a = "x.example A secure 600 192.0.2.1\nx.example A delay 5000\n";
constexpr auto slow_b = "x.example A secure 600 192.0.2.2\nx.example A delay 5000\n";

struct Field {
    [[nodiscard]] std::shared_ptr<FakeResolver> make(const char* world) {
        return std::make_shared<FakeResolver>(loop, std::string(world));
    }
    async::Task<> ask(std::optional<dns::Answer>& answer) {
        answer = co_await resolver.resolve("x.example", dns::RrType::a);
    }
    VirtualLoop loop;
    dns::Replaceable<FakeResolver> resolver{make(slow_a)};
};

} // namespace

TEST_CASE("a lookup in flight keeps the resolver that it asked; the next asks the new one") {
    Field field;
    async::Group group(field.loop);
    std::optional<dns::Answer> first, second;
    const std::weak_ptr<FakeResolver> old = field.resolver.now();
    group.start(field.ask(first));
    field.loop.advance(1s);
    field.resolver.replace(field.make(slow_b));
    CHECK_FALSE(old.expired());
    group.start(field.ask(second));
    field.loop.advance(4s);
    REQUIRE(first);
    CHECK(first->rdata.front() == std::string("\xc0\x00\x02\x01", 4));
    field.loop.advance(1s);
    REQUIRE(second);
    CHECK(second->rdata.front() == std::string("\xc0\x00\x02\x02", 4));
    CHECK(old.expired());
}

TEST_CASE("a lookup that is cancelled lets go of it") {
    Field field;
    std::optional<async::Group> group(std::in_place, field.loop);
    std::optional<dns::Answer> answer;
    const std::weak_ptr<FakeResolver> old = field.resolver.now();
    group->start(field.ask(answer));
    field.loop.advance(1s);
    field.resolver.replace(field.make(slow_b));
    group.reset();
    CHECK(old.expired());
}

} // namespace postseal::test
