// SPDX-License-Identifier: BSD-3-Clause
#include "dns/measured.h"

#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postseal;
using namespace postseal::dns;
using namespace postseal::test;

TEST_CASE("measured: how long each type takes, and how it fails") {
    VirtualLoop loop;
    FakeResolver fake(loop, R"(
a.example MX secure 60 10 mx.a.example
a.example MX delay 3000
b.example MX failed SERVFAIL
c.example TXT bogus signature expired
)");
    Measured measured(loop, fake);
    CHECK(loop.run_until_done(measured.resolve("a.example", RrType::mx)).status == Status::found);
    CHECK(loop.run_until_done(measured.resolve("b.example", RrType::mx)).status == Status::failed);
    CHECK(loop.run_until_done(measured.resolve("c.example", RrType::txt)).status == Status::bogus);
    const auto of = [&](RrType type) {
        return *std::ranges::find(measured.types(), type, &Measured::OfType::type);
    };
    const auto failed = [&](RrType type, Failure failure) {
        return of(type).failed.at(static_cast<std::size_t>(failure));
    };
    CHECK(of(RrType::mx).took.count() == 2);
    CHECK(of(RrType::mx).took.sum() == seconds(3));
    CHECK(failed(RrType::mx, Failure::servfail) == 1);
    CHECK(failed(RrType::txt, Failure::bogus) == 1);
    CHECK(failed(RrType::txt, Failure::none) == 0);
    CHECK(of(RrType::tlsa).took.count() == 0);
}

namespace {

// Notes who asks.
class NotesClient final : public Resolver {
  public:
    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<Answer> resolve_for(Asker asker, std::string /*name*/, RrType /*type*/) override {
        asked_for = asker.client;
        co_return Answer{};
    }
    async::Limiter::ClientId asked_for = this;
};

} // namespace

TEST_CASE("measured: a question stays that of its client") {
    VirtualLoop loop;
    NotesClient notes;
    Measured measured(loop, notes);
    const int client = 0;
    loop.run_until_done(measured.resolve_for({.client = &client}, "a.example", RrType::mx));
    CHECK(notes.asked_for == &client);
    loop.run_until_done(measured.resolve("a.example", RrType::mx));
    CHECK(notes.asked_for == nullptr);
}
