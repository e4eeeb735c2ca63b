// engine/engine.h: from a nexthop to its answer
//
// answer_memory() is what serving threads read (handle.h): answers that are known. answer() is for
// the others: it joins or starts the nexthop's one evaluation. Who needs no more than the verdict
// has it as soon as nothing pending can change it (verdict/settled.h); at the deadline it is
// decided from what is known by then, and who joins later has that verdict at once, also where only
// the same policy is waited for. The evaluation goes on and its result is kept. A failed lookup
// never takes the place of what was found before and still holds.
//
// take_due() and look_again() are for Refresh: what is in use is evaluated again before it expires.
//
// reconfigure() changes it in place: questions in progress end with the new settings, and what
// memory holds for others is outdated. An Answer keeps the maps that it was written for.
//
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/nudge.h"
#include "engine/answer.h"
#include "engine/answer_memory.h"
#include "engine/clock_watch.h"
#include "engine/dependencies.h"
#include "engine/findings.h"
#include "engine/import.h"
#include "engine/maps.h"
#include "engine/nexthop_notes.h"
#include "engine/overrides.h"
#include "engine/single_flight.h"
#include "engine/sts_lookup.h"
#include "postseal/base/histogram.h"
#include "postseal/base/nexthop.h"
#include "postseal/verdict/decide.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::engine {

struct Options {
    std::size_t cache_octets = std::size_t{256} << 20U;
    std::size_t lookups = 512; // in progress at once; the rest waits; clients take turns
    milliseconds deadline{10000};
};

class Engine {
  public:
    Engine(Dependencies dependencies, const Maps& maps, const Overrides& overrides,
           const Options& options);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() = default;

    void reconfigure(const Maps& maps, Overrides overrides, const Options& options);

    [[nodiscard]] AnswerMemory& answer_memory() { return answer_memory_; }
    // What the key names: a nexthop, or an address that has an override now. Errors: why it has no
    // policy, whatever is asked.
    [[nodiscard]] std::expected<Nexthop, NexthopError> destination(std::string_view key) const;
    // Null: not known now.
    [[nodiscard]] const cache::CachedAnswer* find(std::string_view key) {
        return cache_.find(key, dependencies_.loop.now());
    }
    // `client`: who asks; a client's lookups wait for its own, not those of others. Over the limit
    // of those that wait the answer is tempfail at once.
    using ClientId = async::Limiter::ClientId;
    // For the verdict and the replies of maps, evidence may be partial; an action of delegation and
    // explanations take all of it.
    enum class Needs { evidence, verdict };
    [[nodiscard]] async::Task<std::shared_ptr<const Answer>>
    answer(Nexthop nexthop, ClientId client = nullptr, Needs needs = Needs::evidence);
    // See Handle::ask().
    [[nodiscard]] async::Task<WireReply> reply(Nexthop nexthop, config::Protocol protocol,
                                               std::string map, ClientId client);

    // Evaluates anew, whatever memory and store say, and fetches the policy if there may be one;
    // past the deadline it goes on as answer() does. Joins an evaluation that is in flight.
    [[nodiscard]] async::Task<std::shared_ptr<const Answer>> refresh(Nexthop nexthop);
    // As if the nexthop and its policy domain had never been asked for; the history stays.
    void forget(const Nexthop& nexthop);
    // Another node of a fleet has found something out, and the store has it: what memory holds is
    // outdated, and an evaluation that has begun begins anew at once. Of a policy
    // domain: answers for the ports of mail; those for other ports are used until their end, at
    // most an hour.
    void outdate(const Domain& policy_domain);
    void outdate(std::string_view key);
    // A failed lookup of the domain may have another outcome now: what memory holds from it goes,
    // for the ports of mail. What was found before without a failure stays until it expires.
    void reconsider(const Domain& domain);
    // Takes it in as engine/import.h says. Answers that memory holds for other forms of the nexthop
    // are used until their end, at most an hour.
    enum class DryRun { no, yes }; // yes: only says what would become of it
    [[nodiscard]] async::Task<Import> import(Memory memory, DryRun dry_run);

    // The nexthop whose prefetch came first, if it has come and the nexthop was asked for in the
    // last 7 days; each is given once, until it has been evaluated again.
    struct Due {
        Nexthop nexthop;
        MonoTime asked;
    };
    [[nodiscard]] std::optional<Due> take_due();
    [[nodiscard]] MonoTime next_due() const; // max: nothing is
    // Called when next_due() has come nearer; must only post or set a timer. One listener, which
    // gives {} before it ends.
    void on_sooner(async::Callback callback) { sooner_ = callback; }
    [[nodiscard]] async::Task<> look_again(Due due);
    [[nodiscard]] async::Task<> refresh_policy(Domain domain);
    void on_policy_due(StsLookup::OnDue listener) { sts_.on_due(std::move(listener)); }

    // Called when the wall clock was set, by whoever asks for the time next; must not ask for it.
    void on_clock_jump(std::function<void()> listener) { clock_jumped_ = std::move(listener); }
    [[nodiscard]] const ClockWatch& clock_watch() const { return watch_; }
    // What the engine asks; its clock is the one that notices jumps.
    [[nodiscard]] const Dependencies& dependencies() const { return dependencies_; }
    [[nodiscard]] const Downgrades& downgrades() const { return downgrades_; }
    [[nodiscard]] const Findings& findings() const { return findings_; }
    // That counts now; nothing: none.
    [[nodiscard]] std::optional<verdict::Override> override_of(const Nexthop& nexthop) const;
    [[nodiscard]] const Maps& maps() const { return *answer_memory_.maps(); }
    [[nodiscard]] const Overrides& overrides() const { return overrides_; }
    [[nodiscard]] const cache::Cache& cache() const { return cache_; }
    [[nodiscard]] std::size_t cached() const { return cache_.size(); }
    [[nodiscard]] std::size_t cache_octets() const { return cache_.octets(); }
    [[nodiscard]] std::size_t pending() const { return flights_.pending(); }
    [[nodiscard]] const async::Limiter& lookups() const { return limiter_; }
    [[nodiscard]] const Histogram& evaluations() const { return evaluations_; }

  private:
    // What can be said of an evaluation that is still in flight.
    struct Progress {
        bool started = false;  // past the limit of active lookups
        bool refresh = false;  // fetch the policy whatever its record says
        bool renew = false;    // the same, unless that failed lately: it ended during the lookup
        bool outdated = false; // it holds something else since, or an override has come
        bool current = false;  // `remembered` and `sts` are not those of an earlier attempt
        MonoTime asked;        // by a client, the latest
        std::optional<verdict::Override> override_;
        verdict::Remembered remembered = verdict::Remembered::nothing;
        verdict::Mx mx{.pending = true};
        StsLookup::Flights::Shared sts;
        async::Nudge* news = nullptr; // of the lookup in progress: it is outdated, or has ended
        std::shared_ptr<const Answer> provisional; // made of all this at `provisional_at`
        MonoTime provisional_at;
    };
    using Flights = SingleFlight<std::string, std::shared_ptr<const Answer>, Progress>;

    // What an evaluation found, beside the evidence.
    struct Evaluated {
        std::optional<store::NexthopRow> row; // as it was before
        bool row_unread = false;              // it may have been another than `row`
        StsLookup::Result sts;
        verdict::Mx mx;
    };
    enum class Refresh { no, yes };
    Flights::Shared start_or_join(const Nexthop& nexthop, MonoTime asked, Refresh refresh,
                                  ClientId client = nullptr);
    async::Task<std::shared_ptr<const Answer>> land(Nexthop nexthop, Flights::Shared flight,
                                                    Needs needs);
    async::Task<std::shared_ptr<const Answer>> wait(Nexthop nexthop, Flights::Shared flight,
                                                    Needs needs);
    void advanced(const Nexthop& nexthop, Progress& progress);
    // Null: it must be waited for.
    std::shared_ptr<const Answer> answer_now(const Nexthop& nexthop, Progress& progress,
                                             Needs needs);
    [[nodiscard]] verdict::Evidence partial_evidence(const Nexthop& nexthop,
                                                     const Progress& progress) const;
    std::shared_ptr<const Answer> provisional(const Nexthop& nexthop, Progress& progress);
    async::Task<std::shared_ptr<const Answer>> evaluate(Nexthop nexthop, Progress& progress,
                                                        ClientId client);
    struct Heard;
    void begin_anew(Progress& progress);
    [[nodiscard]] std::optional<Overrides::Match> find_override(const Nexthop& nexthop) const;
    async::Task<> look_up(const Nexthop& nexthop, Progress& progress, Evaluated& found,
                          StsLookup::For whom);
    async::Task<> look_up_all(const Nexthop& nexthop, Progress& progress, Evaluated& found,
                              StsLookup::For whom, bool& ended);
    std::optional<WallTime> note_other_forms(verdict::Evidence& evidence) const;
    std::shared_ptr<const Answer> overridden(const Nexthop& nexthop, Overrides::Match override_,
                                             MonoTime asked);
    std::shared_ptr<const Answer>
    of_address(const Nexthop& nexthop, std::optional<Overrides::Match> override_, MonoTime asked);
    std::shared_ptr<const Answer> without_policy(const Nexthop& nexthop);
    async::Task<> note_override(std::shared_ptr<const Answer> answer);
    bool keep(const Answer& answer, const Evaluated& found, unsigned failures, MonoTime asked);
    void override_changed(const Overrides& before);
    async::Task<> look_up_mx(Nexthop nexthop, Progress& progress, verdict::Mx& mx,
                             StsLookup::For whom);
    async::Task<> look_up_sts(Nexthop nexthop, Progress& progress, Evaluated& found,
                              StsLookup::For whom);
    void on_jump(const store::ClockJump& jump);
    void on_confirmed(ClockWatch::By by);
    std::shared_ptr<const Answer> at_deadline(const Nexthop& nexthop, Flights::Flight& flight);
    std::shared_ptr<const Answer> overloaded(const Nexthop& nexthop);
    std::shared_ptr<const Answer> conclude(verdict::Evidence evidence, milliseconds holds);
    // Verdicts: one for each of Maps::verdicts().
    std::shared_ptr<const Answer> write(verdict::Evidence evidence,
                                        std::vector<verdict::Verdict> verdicts, milliseconds holds);
    verdict::Reply render(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                          const Variant& variant);

    ClockWatch watch_;
    Dependencies dependencies_;
    Overrides overrides_;
    Options options_;
    AnswerMemory answer_memory_;
    cache::Cache& cache_; // of answer_memory_
    async::Callback sooner_;
    std::vector<Due> overridden_; // known, and their override has changed: due at once
    std::function<void()> clock_jumped_;
    Downgrades downgrades_;
    NexthopNotes notes_;
    Findings findings_;
    async::Limiter limiter_;
    StsLookup sts_;
    Histogram evaluations_; // how long they took
    Flights flights_;       // last: its bodies use the rest
    async::Group group_;    // the same
};

} // namespace postseal::engine
