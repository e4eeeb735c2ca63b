// dns/second_opinion.h: a name that was bogus a while ago is asked for anew, not from a cache
//
// libunbound remembers a zone whose DNSKEY or DS was bogus for 60 s (BOGUS_KEY_TTL, which nothing
// can set or clear), so that the first retry, after some 25 s, would be told of the old fault, and
// a repaired zone is seen after more than a minute. So where the first resolver says bogus of a
// name that it called bogus 15 s ago or earlier, or of one below it, another that has just been
// made and remembers nothing is asked; its answer counts, unless it fails. A name that is bogus for
// the first time is not asked for again, unless the fault is that a DS question got no answer:
// libunbound asks it when the proof that led to an unsigned zone has expired before the delegation,
// and goes astray where the parent answers by a referral (its issue 1497). One that remembers no
// delegation is given the proof with it.
// Why it is bogus is what the first look found, or the latest resolver that remembered nothing:
// from its cache libunbound gives a shorter reason, which only says that there was one. Whatever
// strangers do: one such resolver at a time, a new one every 15 s at most, 16 questions at once
// with it (past that the first answer counts), 1024 names remembered for 10 minutes.
// Thread: the loop's. Both resolvers outlive their questions.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "dns/resolver.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace postseal::dns {

class SecondOpinion final : public Resolver {
  public:
    // Null: none can be had now.
    using Open = std::function<std::shared_ptr<Resolver>()>;
    SecondOpinion(async::Loop& loop, Resolver& first, Open open)
        : loop_(loop), first_(first), open_(std::move(open)) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<Answer> resolve_for(Asker asker, std::string name, RrType type) override;

  private:
    struct Bogus {
        MonoTime first;
        MonoTime last;
        std::map<RrType, std::string> causes;
    };
    bool was_bogus_before(const std::string& name);
    void remember(const std::string& name);
    // Gives the answer the cause that is remembered, or remembers its own; a `fresh` one's counts.
    enum class From { cache, fresh };
    void keep_cause(const std::string& name, RrType type, Answer& answer, From from);
    std::shared_ptr<Resolver> fresh();

    async::Loop& loop_;
    Resolver& first_;
    Open open_;
    std::map<std::string, Bogus, std::less<>> bogus_;
    std::shared_ptr<Resolver> fresh_;
    MonoTime opened_{MonoTime::min()};
    std::size_t asked_ = 0; // of fresh resolvers, not answered yet
    async::Timer close_;
};

} // namespace postseal::dns
