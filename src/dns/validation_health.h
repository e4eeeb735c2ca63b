// dns/validation_health.h: a resolver that does not blame a domain for a fault of our own
//
// What another resolver calls bogus is a judgement on the domain only while the root's own DNSKEY
// RRset validates (dns/root_check.h). That is checked when check_now() is called, at start, then
// hourly, and when two names that do not share their last two labels turn bogus within a minute,
// but not within 15 s of the end of the last check; while it fails, every 30 s. A bogus answer that
// comes during a check waits for its end, unless the last one has failed.
//
// While the root does not validate, a bogus MX answer is given as failed (rows 4 and 5 of the
// decision table in the place of row 3), other bogus answers stay bogus (their hosts are F, the
// record has failed), and the reason of all of them is ours. Nothing else is changed: no answer
// becomes secure or insecure, and what somebody forges while the root validates stays bogus.
// Whoever controls domains can cause a check, but not its outcome.
// Thread: the loop's. Every Task of resolve() must be gone before it is.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"
#include "dns/resolver.h"
#include "dns/root_check.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace postseal::dns {

class ValidationHealth final : public Resolver {
  public:
    enum class State {
        unknown, // no check has ended yet
        working,
        failing,
    };
    struct Dependencies {
        async::Loop& loop;
        Resolver& resolver;
        std::function<async::Task<RootCheck>()> check;
        // It fails, or fails otherwise than before, or works again.
        std::function<void(const RootCheck&)> on_change;
        // The MX answer of the name, lately, was one that it would not be now.
        std::function<void(const std::string& name)> reconsider;
    };
    explicit ValidationHealth(Dependencies dependencies)
        : needs_(std::move(dependencies)), group_(needs_.loop) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<Answer> resolve_for(Asker asker, std::string name, RrType type) override;

    // Begins a check; one that is going on is made once more, for it may have seen the old.
    void check_now();
    // The end of the check that is going on; at once, if none is.
    [[nodiscard]] async::Task<> checked();

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool checking() const { return checking_; }
    // Of the last check; no fault before there was one.
    [[nodiscard]] const RootCheck& last() const { return last_; }

  private:
    class Waiter;
    struct Noted {
        std::string name;
        MonoTime at;
    };
    void suspect(const std::string& name);
    void note(std::deque<Noted>& names, std::string name);
    [[nodiscard]] Answer judged(Answer answer, std::string name, RrType type);
    async::Task<> check();
    void conclude(RootCheck found);
    void reconsider(std::deque<Noted>& names);
    void check_after(milliseconds delay);

    Dependencies needs_;
    State state_ = State::unknown;
    RootCheck last_;
    bool checking_ = false;
    bool again_ = false;
    MonoTime checked_at_;
    std::deque<Noted> suspects_; // of the last minute; two that are related count once
    std::deque<Noted> blamed_;   // MX names given as bogus
    std::deque<Noted> failed_;   // MX names given as failed while validation did not work
    std::list<Waiter*> waiters_;
    async::Timer timer_;
    async::Group group_; // last: its bodies use the rest
};

[[nodiscard]] std::string_view to_string(ValidationHealth::State state);

} // namespace postseal::dns
