// engine/field.h: an engine among fakes, in virtual time
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "engine/engine.h"
#include "store/memory.h"
#include "support/fake_fetcher.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <cstddef>
#include <memory>
#include <string>

namespace postseal::test {

// Goes with the loop's time, unless it is moved apart.
class LoopClock final : public engine::Clock {
  public:
    explicit LoopClock(const VirtualLoop& loop) : loop_(loop) {}
    [[nodiscard]] WallTime now() const override {
        return start_ + (loop_.now() - MonoTime{}) + jump_;
    }
    [[nodiscard]] milliseconds elapsed() const override { return loop_.now() - MonoTime{}; }
    [[nodiscard]] const std::string& boot() const override { return boot_; }
    [[nodiscard]] bool synchronised() const override { return synchronised_; }
    // The machine is started again, and nobody knows how long that took.
    void reboot() { boot_ += "'"; }
    // Somebody sets it.
    void jump(milliseconds by) {
        jump_ += by;
        synchronised_ = false;
    }
    void synchronise(bool synchronised = true) { synchronised_ = synchronised; }

  private:
    const VirtualLoop& loop_;
    WallTime start_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};
    milliseconds jump_{0};
    std::string boot_ = "boot";
    bool synchronised_ = true;
};

// Always the same, unless told otherwise.
class FixedRandom final : public engine::Random {
  public:
    [[nodiscard]] double next() override { return value_; }
    void set(double value) { value_ = value; }

  private:
    double value_ = 0.5;
};

// A memory that may be slow, or fail to say what it holds.
class ShakyStore final : public store::MemoryStore {
  public:
    explicit ShakyStore(async::Loop& loop) : loop_(loop) {}
    // A load takes so long.
    void stall(milliseconds loads) { stall_ = loads; }
    // A load says why it cannot read; empty: it can.
    void break_reads(std::string why) { why_ = std::move(why); }

    // A load without a policy says why another node may have it; empty: none does.
    void lack(std::string elsewhere) { elsewhere_ = std::move(elsewhere); }

    async::Task<store::Loaded> load(Domain policy_domain, std::string nexthop_key) override {
        co_await async::Sleep(loop_, stall_);
        if (!why_.empty()) co_return store::Loaded{{}, {}, why_, why_, {}};
        store::Loaded loaded =
            co_await MemoryStore::load(std::move(policy_domain), std::move(nexthop_key));
        if (!loaded.sts || loaded.sts->body.empty()) loaded.sts_elsewhere = elsewhere_;
        co_return loaded;
    }

  private:
    async::Loop& loop_;
    milliseconds stall_{0};
    std::string why_;
    std::string elsewhere_;
};

struct Field {
    // `configuration` is for its listeners, maps and actions.
    explicit Field(engine::Options engine_options = {}, const std::string& overrides_text = {},
                   const std::string& configuration = {})
        : options(engine_options),
          overrides(engine::Overrides::parse(overrides_text, "overrides").value()),
          maps(config::parse(configuration, "f").value()) {
        restart();
    }

    // A new engine with an empty memory on the old store.
    void restart() {
        engine.reset();
        engine = std::make_unique<engine::Engine>(dependencies(), maps, overrides, options);
    }
    [[nodiscard]] engine::Dependencies dependencies() {
        return {loop, clock, resolver, fetcher, store, log, random};
    }
    std::shared_ptr<const engine::Answer> ask(const std::string& key) {
        return loop.run_until_done(engine->answer(Nexthop::parse(key).value()));
    }
    // The answer to a question that goes on while the loop turns; null until then.
    struct PendingAnswer {
        PendingAnswer(Field& field, const std::string& key) : group(field.loop) {
            group.start([](auto task, auto& to) -> async::Task<> {
                to = co_await std::move(task);
            }(field.engine->answer(Nexthop::parse(key).value()), answer));
        }
        std::shared_ptr<const engine::Answer> answer;
        async::Group group;
    };
    // The legacy reply as it goes over the wire; asks memory first, as a server does.
    std::string reply(const std::string& key) {
        if (const auto* known = engine->find(key)) return std::string(known->at(legacy));
        return ask(key)->replies.at(legacy);
    }
    [[nodiscard]] int row(const std::string& key) { return ask(key)->verdict.row; }

    static constexpr std::size_t legacy = 0; // the variant of map "postfix", the first
    engine::Options options;
    engine::Overrides overrides;
    VirtualLoop loop;
    LoopClock clock{loop};
    FakeResolver resolver{loop};
    FakeFetcher fetcher{loop};
    ShakyStore store{loop};
    FixedRandom random;
    Log log{{.level = log::Level::error}};
    engine::Maps maps;
    std::unique_ptr<engine::Engine> engine;
};

} // namespace postseal::test
