// SPDX-License-Identifier: BSD-3-Clause
#include "engine/engine.h"

#include "async/timeout.h"
#include "dns/for_client.h"
#include "dns/mx_lookup.h"
#include "engine/other_forms.h"
#include "engine/validity.h"
#include "postseal/verdict/settled.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

using verdict::HostState;
using verdict::MxState;

// Of those at work: no client has them all, and nobody's first question waits for another's last.
std::size_t max_of_one_client(std::size_t lookups) { return (lookups + 1) / 2; }

// Each that waits costs some kilobytes.
std::size_t max_waiting(std::size_t lookups) { return 16 * lookups; }

constexpr std::uint16_t ports_of_mail[] = {25, 24, 465, 587, 2525};

// The keys whose answers depend on the domain's policy, for the ports of mail.
std::vector<std::string> keys_of(const Domain& policy_domain) {
    std::vector<std::string> keys;
    for (const std::uint16_t port : ports_of_mail)
        for (const bool literal_host : {false, true})
            keys.push_back(Nexthop{policy_domain, literal_host, port}.key());
    return keys;
}

// A database that says nothing for so long is one that cannot be read: what the domain's own
// servers say may still decide before the deadline.
constexpr milliseconds store_patience{5000};

store::Loaded not_answered() {
    const std::string why = "the database does not answer";
    return {.sts = {}, .nexthop = {}, .sts_unread = why, .nexthop_unread = why};
}

// What is said there is said at once, and must not wait for a lookup.
bool needs_no_lookup(const Overrides::Match& override_) { return !override_.says.needs_lookup(); }

// Nothing is looked up for it, and nothing is promised.
verdict::Mx mx_of_address() {
    return {.state = MxState::insecure, .hosts = {}, .ttl = longest_ttl};
}

// The policy that the lookup found in force has ended since, and nobody has tried to renew it.
bool has_ended_since(const verdict::Sts& sts, WallTime now) {
    return sts.policy && sts.expires_at <= now && sts.fetch == verdict::FetchState::not_needed;
}

// As of when the evidence is judged. A policy that ended in the last `span`, and was fetched or is
// being looked up in that time, is judged at its last moment: its host serves it, or may.
WallTime judged_at(const verdict::Sts& sts, WallTime now, milliseconds span) {
    using verdict::FetchState;
    const bool renewed = sts.record == verdict::RecordState::pending ||
                         sts.fetch == FetchState::pending || sts.fetch == FetchState::waiting ||
                         sts.fetch == FetchState::fetched;
    const bool just_ended = sts.policy && sts.expires_at > sts.fetched_at &&
                            sts.expires_at <= now && sts.expires_at > now - span;
    return renewed && just_ended ? sts.expires_at - milliseconds(1) : now;
}

// Nothing that a promise seen later would not better.
bool is_opportunistic(const verdict::Verdict& verdict) {
    using verdict::Class;
    return verdict.cls == Class::may ||
           (verdict.cls == Class::dane && verdict.level == verdict::Level::dane);
}

// A lookup that somebody has waited for in vain, and that goes on for longer than this, is not
// waited for by another.
constexpr milliseconds old_enough{5000};
// What was decided before the end is not decided again for each of many who ask.
constexpr milliseconds provisional_for{1000};

template <class Flight> bool not_waited_for(const Flight& flight, MonoTime now) {
    return flight.overdue && now - flight.begun >= old_enough;
}

bool has_ended(const verdict::Mx& mx) {
    return !mx.pending && std::ranges::all_of(mx.hosts, [](const verdict::Host& host) {
        return host.lookup == verdict::HostLookup::ended;
    });
}

} // namespace

// While it lives, the lookup hears of what must make it begin anew.
struct Engine::Heard {
    Heard(Progress& of, async::Nudge& news) : progress(of) { progress.news = &news; }
    Heard(const Heard&) = delete;
    Heard& operator=(const Heard&) = delete;
    ~Heard() { progress.news = nullptr; }
    Progress& progress;
};

Engine::Engine(Dependencies dependencies, const Maps& maps, const Overrides& overrides,
               const Options& options)
    : watch_(dependencies.clock, {.jumped = [this](const store::ClockJump& jump) { on_jump(jump); },
                                  .confirmed = [this](ClockWatch::By by) { on_confirmed(by); }}),
      dependencies_(dependencies.with(watch_)), overrides_(overrides), options_(options),
      answer_memory_(std::make_shared<const Maps>(maps), overrides.address_keys(),
                     options.cache_octets),
      cache_(answer_memory_.cache()), downgrades_(dependencies_),
      notes_(dependencies_, downgrades_), findings_(dependencies_.log),
      limiter_(dependencies.loop, options.lookups, max_of_one_client(options.lookups)),
      sts_(dependencies_, watch_, downgrades_), flights_(dependencies.loop),
      group_(dependencies.loop) {}

void Engine::on_jump(const store::ClockJump& jump) {
    dependencies_.log.warning("clock-jump",
                              {{"old", rfc3339(jump.from)},
                               {"new", rfc3339(jump.to)},
                               {"reason", "policies age by the time that has passed"}});
    dependencies_.store.clock_jumped(jump);
    answer_memory_.publish(
        answer_memory_.maps()); // what memory holds was judged by the clock as it was
    if (clock_jumped_) clock_jumped_();
}

void Engine::on_confirmed(ClockWatch::By by) {
    dependencies_.log.info("clock-confirmed", {{"by", std::string(to_string(by))}});
}

void Engine::reconfigure(const Maps& maps, Overrides overrides, const Options& options) {
    options_ = options;
    cache_.limit(options.cache_octets);
    limiter_.set_permits(options.lookups, max_of_one_client(options.lookups));
    const Overrides before = std::exchange(overrides_, std::move(overrides));
    if (maps != this->maps())
        answer_memory_.publish(std::make_shared<const Maps>(maps), overrides_.address_keys());
    else
        override_changed(before);
    flights_.for_each([this](const std::string& key, Flights::Flight& flight) {
        const auto nexthop = Nexthop::parse(key); // of an address there is no lookup
        flight.context.provisional.reset();
        if (nexthop && override_of(*nexthop) != flight.context.override_)
            begin_anew(flight.context);
    });
}

std::optional<verdict::Override> Engine::override_of(const Nexthop& nexthop) const {
    auto found = find_override(nexthop);
    if (!found) return std::nullopt;
    return std::move(found->says);
}

std::expected<Nexthop, NexthopError> Engine::destination(std::string_view key) const {
    auto nexthop = Nexthop::parse(key);
    if (nexthop || nexthop.error().fault != NexthopFault::address) return nexthop;
    auto address = Nexthop::parse_address(key);
    return address && find_override(*address) ? std::move(address) : std::move(nexthop);
}

std::optional<Overrides::Match> Engine::find_override(const Nexthop& nexthop) const {
    return overrides_.find(nexthop, dependencies_.clock.now(), watch_.confirmed());
}

void Engine::override_changed(const Overrides& before) {
    const std::vector<std::string> keys = before.differences(overrides_);
    if (!keys.empty())
        findings_.go_by([this](const std::string& key) {
            const auto nexthop = Nexthop::parse_destination(key);
            return nexthop ? override_of(*nexthop) : std::nullopt;
        });
    // What is below a parent, or without another key, is all over the memory.
    const auto is_of_many = [](const std::string& key) {
        return key.starts_with('.') || key == "*";
    };
    if (std::ranges::any_of(keys, is_of_many))
        return answer_memory_.publish(answer_memory_.maps(), overrides_.address_keys());
    for (const std::string& key : keys) {
        const MonoTime now = dependencies_.loop.now();
        const auto form = Nexthop::parse_destination(key);
        // What is listed of it is to be by the new override.
        if (form && cache_.find(key, now) != nullptr) overridden_.push_back({*form, now});
        cache_.erase(key);
        // The name alone answers requiretls for it, and so does an address.
        if (form)
            cache_.erase(Nexthop{.domain = form->domain,
                                 .literal_host = form->is_address,
                                 .is_address = form->is_address}
                             .key());
    }
    if (AddressKeys addresses = overrides_.address_keys(); addresses != before.address_keys())
        answer_memory_.set_addresses(std::move(addresses));
    if (!overridden_.empty() && sooner_.fn != nullptr) sooner_();
}

// When the first of the overrides that it tells of ends; nothing: none does.
std::optional<WallTime> Engine::note_other_forms(verdict::Evidence& evidence) const {
    OtherForms forms =
        other_forms(overrides_, evidence.nexthop, dependencies_.clock.now(), watch_.confirmed());
    evidence.other_forms = forms.overrides;
    return forms.until;
}

Engine::Flights::Shared Engine::start_or_join(const Nexthop& nexthop, MonoTime asked,
                                              Refresh refresh, ClientId client) {
    Flights::Shared flight = flights_.start_or_join(nexthop.key(), [&](Progress& progress) {
        progress.asked = asked;
        progress.refresh = refresh == Refresh::yes;
        return evaluate(nexthop, progress, client);
    });
    flight->context.asked = std::max(flight->context.asked, asked);
    return flight;
}

async::Task<std::shared_ptr<const Answer>> Engine::answer(Nexthop nexthop, ClientId client,
                                                          Needs needs) {
    Flights::Shared flight = start_or_join(nexthop, dependencies_.loop.now(), Refresh::no, client);
    if (!flight->value && not_waited_for(*flight, dependencies_.loop.now()))
        co_return at_deadline(nexthop, *flight);
    co_return co_await land(std::move(nexthop), std::move(flight), needs);
}

async::Task<WireReply> Engine::reply(Nexthop nexthop, config::Protocol protocol, std::string map,
                                     ClientId client) {
    // Another thread may have asked before it could see the answer.
    const auto known_as = maps().variant(protocol, map);
    const cache::CachedAnswer* known = find(nexthop.key());
    if (known_as && known != nullptr)
        co_return WireReply{.text = std::string(known->at(*known_as)), .cls = known->cls()};
    // Many clients may ask for a hundred at once: what is known comes between.
    co_await async::NextTurn(dependencies_.loop);
    const Needs needs = protocol == config::Protocol::delegation ? Needs::evidence : Needs::verdict;
    const auto answer = co_await this->answer(std::move(nexthop), client, needs);
    // The maps may be others by now.
    if (const auto variant = answer->maps->variant(protocol, map))
        co_return WireReply{.text = answer->replies[*variant], .cls = answer->verdict.cls};
    co_return WireReply{.text = to_wire({.kind = verdict::Reply::Kind::temp,
                                         .text = "the configuration has changed: ask again",
                                         .defect = {}},
                                        protocol)};
}

async::Task<std::shared_ptr<const Answer>> Engine::refresh(Nexthop nexthop) {
    Flights::Shared flight = start_or_join(nexthop, dependencies_.loop.now(), Refresh::yes);
    co_return co_await land(std::move(nexthop), std::move(flight), Needs::evidence);
}

async::Task<std::shared_ptr<const Answer>> Engine::land(Nexthop nexthop, Flights::Shared flight,
                                                        Needs needs) {
    async::Task<std::shared_ptr<const Answer>> waiting = wait(nexthop, flight, needs);
    const auto answer =
        co_await async::with_timeout(dependencies_.loop, std::move(waiting), options_.deadline);
    if (answer) co_return *answer;
    const auto& landed = flight->value;
    if (landed) co_return *landed;
    co_return at_deadline(nexthop, *flight);
}

async::Task<std::shared_ptr<const Answer>> Engine::wait(Nexthop nexthop, Flights::Shared flight,
                                                        Needs needs) {
    for (;;) {
        const auto& landed = flight->value;
        if (landed) co_return *landed;
        auto now = answer_now(nexthop, flight->context, needs);
        if (now) co_return now;
        co_await Flights::Waiter(dependencies_.loop, flight, Flights::Until::progress);
    }
}

// Something more is known: those who wait may need no more.
void Engine::advanced(const Nexthop& nexthop, Progress& progress) {
    progress.provisional.reset();
    const Flights::Shared flight = flights_.find(nexthop.key());
    if (flight && Flights::watched(*flight) && answer_now(nexthop, progress, Needs::verdict))
        Flights::wake(*flight);
}

std::shared_ptr<const Answer> Engine::answer_now(const Nexthop& nexthop, Progress& progress,
                                                 Needs needs) {
    if (!progress.started || progress.outdated) return nullptr;
    if (override_of(nexthop) != progress.override_) return nullptr;
    const StsLookup::Result* landed = nullptr;
    if (progress.current && progress.sts)
        if (const auto& value = progress.sts->value) landed = &*value;
    const bool has_policy =
        landed != nullptr &&
        (progress.renew || !has_ended_since(landed->sts, dependencies_.clock.now()));
    // Another destination of the domain has waited for its policy in vain.
    const bool given_up =
        progress.current && progress.sts && not_waited_for(*progress.sts, dependencies_.loop.now());
    if (needs == Needs::evidence && !(given_up && has_ended(progress.mx))) return nullptr;
    const verdict::Evidence evidence = partial_evidence(nexthop, progress);
    const verdict::Pending pending{.remembered = !progress.current,
                                   .policy = !has_policy && !given_up};
    if (!verdict::settled(evidence, pending, maps().verdicts(), evidence.obtained_at))
        return nullptr;
    return provisional(nexthop, progress);
}

void Engine::forget(const Nexthop& nexthop) {
    outdate(nexthop.key()); // an evaluation that goes on begins anew, and keeps nothing of before
    dependencies_.store.save(store::NexthopRow{.nexthop = nexthop.key(), .verdict = {}});
    if (!nexthop.is_address) sts_.forget(nexthop.domain);
    findings_.forget(nexthop.key());
    dependencies_.log.info("forgotten", {{"nexthop", nexthop.key()}});
}

void Engine::outdate(std::string_view key) {
    cache_.erase(key);
    if (const Flights::Shared flight = flights_.find(std::string(key)); flight)
        begin_anew(flight->context);
}

// Whoever asks is not to wait for what goes on with what was known before.
void Engine::begin_anew(Progress& progress) {
    if (!progress.started) return;
    progress.outdated = true;
    if (progress.news != nullptr) progress.news->nudge();
}

void Engine::outdate(const Domain& policy_domain) {
    for (const std::string& key : keys_of(policy_domain))
        outdate(key);
}

void Engine::reconsider(const Domain& domain) {
    for (const std::uint16_t port : ports_of_mail)
        cache_.erase_unsound(Nexthop{domain, false, port}.key());
}

async::Task<Import> Engine::import(Memory memory, DryRun dry_run) {
    const Nexthop nexthop = memory.nexthop;
    store::Loaded held;
    for (;;) {
        // What is in flight has read the row already, and will save it.
        StsLookup::Flights::Shared flight = sts_.pending(nexthop.domain);
        if (flight) co_await StsLookup::Flights::Waiter(dependencies_.loop, flight);
        held = co_await dependencies_.store.load(nexthop.domain, nexthop.key());
        if (!sts_.pending(nexthop.domain)) break;
    }
    if (!held.sts_unread.empty() || !held.nexthop_unread.empty()) co_return Import::unread;
    const store::Moment moment = dependencies_.clock.moment();
    if (held.sts) held.sts = store::by_age(store::as_of(std::move(*held.sts), moment), moment);
    Merged merged = merge(memory, held, moment);
    if (dry_run == DryRun::yes) co_return merged.outcome;
    if (merged.sts) {
        cache_.erase(nexthop.key());
        sts_.save(std::move(*merged.sts));
    }
    if (merged.nexthop) dependencies_.store.save(std::move(*merged.nexthop));
    co_return merged.outcome;
}

MonoTime Engine::next_due() const {
    return overridden_.empty() ? cache_.next_due() : MonoTime::min();
}

std::optional<Engine::Due> Engine::take_due() {
    const MonoTime now = dependencies_.loop.now();
    if (!overridden_.empty()) {
        Due due = std::move(overridden_.back());
        overridden_.pop_back();
        return due;
    }
    while (const auto due = cache_.take_due(now))
        if (now - due->asked < asked_lately)
            if (auto nexthop = Nexthop::parse(due->key))
                return Due{.nexthop = std::move(*nexthop), .asked = due->asked};
    return std::nullopt;
}

async::Task<> Engine::refresh_policy(Domain domain) {
    const bool changed = co_await sts_.refresh(domain);
    if (!changed) co_return;
    // No evaluation has fetched it, so memory knows the one before.
    for (const std::string& key : keys_of(domain))
        cache_.erase(key);
}

async::Task<> Engine::look_again(Due due) {
    const Flights::Shared flight = start_or_join(due.nexthop, due.asked, Refresh::no);
    co_await Flights::Waiter(dependencies_.loop, flight);
}

async::Task<std::shared_ptr<const Answer>> Engine::evaluate(Nexthop nexthop, Progress& progress,
                                                            ClientId client) {
    std::optional<Overrides::Match> override_ = find_override(nexthop);
    if (nexthop.is_address) co_return of_address(nexthop, std::move(override_), progress.asked);
    if (override_ && needs_no_lookup(*override_))
        co_return overridden(nexthop, std::move(*override_), progress.asked);
    co_await async::NextTurn(dependencies_.loop); // the same
    if (!limiter_.has_room(client, max_waiting(options_.lookups))) co_return overloaded(nexthop);
    MonoTime begun;
    Evaluated found;
    WallTime now;
    // Times read under one clock mean nothing under another; and reconfigure() may bring an
    // override meanwhile.
    for (;;) {
        progress.current = false;
        async::Limiter::Permit permit = co_await limiter_.acquire(client);
        override_ = find_override(nexthop);
        if (override_ && needs_no_lookup(*override_))
            co_return overridden(nexthop, std::move(*override_), progress.asked);
        progress.started = true;
        begun = dependencies_.loop.now();
        progress.override_ = override_ ? std::optional(override_->says) : std::nullopt;
        progress.outdated = false;
        progress.mx = verdict::Mx{.pending = true};
        progress.provisional.reset();
        const std::size_t jumps = watch_.jumps();
        found = Evaluated{};
        StsLookup::For whom{.client = client,
                            .slot = std::make_shared<async::Limiter::Permit>(std::move(permit))};
        co_await look_up(nexthop, progress, found, std::move(whom));
        now = dependencies_.clock.now();
        auto latest = find_override(nexthop);
        const bool outdated = progress.outdated;
        const bool ended = !outdated && !progress.renew && has_ended_since(found.sts.sts, now);
        if (watch_.jumps() == jumps && latest == override_ && !outdated && !ended) break;
        progress.renew = ended;
    }

    now = judged_at(found.sts.sts, now, dependencies_.loop.now() - begun);
    verdict::Evidence evidence{.nexthop = nexthop,
                               .mx = std::move(found.mx),
                               .sts = std::move(found.sts.sts),
                               .remembered = progress.remembered,
                               .override_ = progress.override_,
                               .obtained_at = now};
    const unsigned failures = any_failed(evidence) ? cache_.failures(nexthop.key()) + 1 : 0;
    milliseconds holds = holds_for(evidence, found.sts.txt_ttl, failures, now);
    if (override_) holds = std::min(holds, override_->holds(now));
    holds = std::min(holds, holds_until(note_other_forms(evidence), now));
    const std::shared_ptr<const Answer> answer = conclude(std::move(evidence), holds);
    const bool given = keep(*answer, found, failures, progress.asked);
    // Over a row that could not be read only what was seen now is saved.
    notes_.note(answer->evidence, answer->verdict,
                given && !found.row_unread ? NexthopNotes::Verdict::given
                                           : NexthopNotes::Verdict::withheld,
                found.row);
    if (given) findings_.note(*answer, now);
    evaluations_.observe(dependencies_.loop.now() - begun);
    co_return answer;
}

// Until it has ended or must begin anew.
async::Task<> Engine::look_up(const Nexthop& nexthop, Progress& progress, Evaluated& found,
                              StsLookup::For whom) {
    async::Nudge news(dependencies_.loop);
    const Heard heard(progress, news);
    bool ended = false;
    async::Group lookup(dependencies_.loop);
    lookup.start(look_up_all(nexthop, progress, found, std::move(whom), ended));
    while (!ended && !progress.outdated) {
        co_await news.wait();
    }
}

async::Task<> Engine::look_up_all(const Nexthop& nexthop, Progress& progress, Evaluated& found,
                                  StsLookup::For whom, bool& ended) {
    async::Group lookups(dependencies_.loop);
    if (progress.override_ && progress.override_->kind == verdict::Override::Kind::sts_only)
        progress.mx = found.mx = {.state = MxState::insecure, .hosts = {}, .ttl = longest_ttl};
    else
        lookups.start(look_up_mx(nexthop, progress, found.mx, whom));
    lookups.start(look_up_sts(nexthop, progress, found, std::move(whom)));
    co_await lookups.join();
    ended = true;
    progress.news->nudge();
}

// Whether it is what clients are given from now on.
bool Engine::keep(const Answer& answer, const Evaluated& found, unsigned failures, MonoTime asked) {
    const verdict::Evidence& evidence = answer.evidence;
    const bool promised = evidence.sts.enforced(evidence.obtained_at);
    const std::string key = evidence.nexthop.key();
    const MonoTime now = dependencies_.loop.now();
    const MonoTime due_before = cache_.next_due();
    const std::optional<milliseconds> after = prefetch_after(
        evidence, found.sts.txt_ttl, failures, evidence.obtained_at, dependencies_.random.next());
    const MonoTime due = after ? now + *after : cache::Cache::not_due;
    // Known evidence is used until it expires, unless a promise has come that was not known
    // before.
    const bool postponed = failures > 0 && cache_.postpone(key, now, due, failures, promised);
    if (!postponed)
        cache_.put(key, answer.replies,
                   {.until = now + answer.holds,
                    .due = due,
                    .asked = asked,
                    .opportunistic = is_opportunistic(answer.verdict)},
                   failures);
    if (sooner_.fn != nullptr && cache_.next_due() < due_before) sooner_();
    return !postponed;
}

std::shared_ptr<const Answer> Engine::overridden(const Nexthop& nexthop, Overrides::Match override_,
                                                 MonoTime asked) {
    const WallTime now = dependencies_.clock.now();
    milliseconds holds = override_.holds(now);
    verdict::Evidence evidence{
        .nexthop = nexthop, .override_ = std::move(override_.says), .obtained_at = now};
    if (nexthop.is_address) evidence.mx = mx_of_address();
    holds = std::min(holds, holds_until(note_other_forms(evidence), now));
    std::shared_ptr<const Answer> answer = conclude(std::move(evidence), holds);
    const MonoTime until = dependencies_.loop.now() + holds;
    cache_.put(nexthop.key(), answer->replies, {.until = until, .asked = asked}, 0);
    findings_.note(*answer, now);
    group_.start(note_override(answer));
    return answer;
}

// Whatever the override, there is nothing to look up.
std::shared_ptr<const Answer> Engine::of_address(const Nexthop& nexthop,
                                                 std::optional<Overrides::Match> override_,
                                                 MonoTime asked) {
    if (override_) return overridden(nexthop, *std::move(override_), asked);
    return without_policy(nexthop); // it has ended
}

std::shared_ptr<const Answer> Engine::without_policy(const Nexthop& nexthop) {
    const std::shared_ptr<const Maps>& maps = answer_memory_.maps();
    cache::Replies replies = maps->no_nexthop_wire();
    replies.cls = verdict::Class::may;
    return std::make_shared<const Answer>(
        Answer{.evidence = {.nexthop = nexthop,
                            .mx = mx_of_address(),
                            .obtained_at = dependencies_.clock.now()},
               .verdict = {.cls = verdict::Class::may,
                           .reasons = {"an address promises nothing, and no override names it"}},
               .maps = maps,
               .written = maps->no_nexthop(),
               .replies = std::move(replies),
               .holds = milliseconds(0)});
}

async::Task<> Engine::note_override(std::shared_ptr<const Answer> answer) {
    const Nexthop& nexthop = answer->evidence.nexthop;
    const store::Loaded loaded = co_await dependencies_.store.load(nexthop.domain, nexthop.key());
    if (loaded.nexthop_unread.empty())
        notes_.note(answer->evidence, answer->verdict, NexthopNotes::Verdict::given,
                    loaded.nexthop);
}

async::Task<> Engine::look_up_mx(Nexthop nexthop, Progress& progress, verdict::Mx& mx,
                                 StsLookup::For whom) {
    struct Step {
        Engine& engine;
        const Nexthop& nexthop;
        Progress& progress;
        static void taken(void* self) {
            const auto* step = static_cast<Step*>(self);
            step->engine.advanced(step->nexthop, step->progress);
        }
    } step{*this, nexthop, progress};
    dns::ForClient resolver(dependencies_.resolver, {.client = whom.client});
    mx = co_await dns::mx_lookup(dependencies_.loop, resolver, nexthop, &progress.mx,
                                 async::Callback(&Step::taken, &step));
    whom.slot.reset(); // the last of its holders gives it back
}

async::Task<> Engine::look_up_sts(Nexthop nexthop, Progress& progress, Evaluated& found,
                                  StsLookup::For whom) {
    auto loading = dependencies_.store.load(nexthop.domain, nexthop.key());
    auto read =
        co_await async::with_timeout(dependencies_.loop, std::move(loading), store_patience);
    store::Loaded loaded = read ? *std::move(read) : not_answered();
    found.row = std::move(loaded.nexthop);
    found.row_unread = !loaded.nexthop_unread.empty();
    if (found.row)
        progress.remembered = NexthopNotes::remembered(*found.row, dependencies_.clock.now());
    const auto when = progress.refresh ? StsLookup::Fetch::now
                      : progress.renew ? StsLookup::Fetch::daily
                                       : StsLookup::Fetch::if_new;
    progress.sts = sts_.start_or_join(nexthop.domain, std::move(loaded), when, std::move(whom));
    progress.current = true;
    advanced(nexthop, progress);
    found.sts = co_await StsLookup::Flights::wait(dependencies_.loop, progress.sts);
    if (progress.sts->context.forgotten) begin_anew(progress);
    advanced(nexthop, progress);
}

verdict::Evidence Engine::partial_evidence(const Nexthop& nexthop, const Progress& progress) const {
    const WallTime now = dependencies_.clock.now();
    verdict::Evidence evidence{.nexthop = nexthop,
                               .mx = progress.mx,
                               .remembered = progress.remembered,
                               .override_ = progress.override_,
                               .obtained_at = now,
                               .partial = true};
    if (progress.sts) {
        evidence.sts = progress.sts->context.shown(watch_.moved());
        const milliseconds age = dependencies_.loop.now() - progress.sts->begun;
        evidence.obtained_at = judged_at(evidence.sts, now, std::max(age, options_.deadline));
    }
    // Something else may be stored since `sts` was read.
    if (!progress.current)
        evidence.sts.unread = progress.sts ? "it is being read again" : not_answered().sts_unread;
    note_other_forms(evidence);
    return evidence;
}

std::shared_ptr<const Answer> Engine::provisional(const Nexthop& nexthop, Progress& progress) {
    const MonoTime now = dependencies_.loop.now();
    const bool fresh = progress.provisional &&
                       progress.provisional->maps == answer_memory_.maps() &&
                       now - progress.provisional_at < provisional_for;
    if (!fresh) {
        progress.provisional = progress.started
                                   ? conclude(partial_evidence(nexthop, progress), milliseconds(0))
                                   : overloaded(nexthop);
        progress.provisional_at = now;
    }
    return progress.provisional;
}

std::shared_ptr<const Answer> Engine::at_deadline(const Nexthop& nexthop, Flights::Flight& flight) {
    Progress& progress = flight.context;
    std::shared_ptr<const Answer> answer = provisional(nexthop, progress);
    // Those who join later are many.
    if (!std::exchange(flight.overdue, true) && progress.started)
        dependencies_.log.debug("deadline", {{"nexthop", nexthop.key()},
                                             {"verdict", brief(answer->verdict)},
                                             {"reason", answer->verdict.reasons.front()}});
    if (progress.sts) progress.sts->overdue = true;
    return answer;
}

std::shared_ptr<const Answer> Engine::overloaded(const Nexthop& nexthop) {
    verdict::Evidence evidence{
        .nexthop = nexthop, .obtained_at = dependencies_.clock.now(), .partial = true};
    verdict::Verdict verdict{.cls = verdict::Class::tempfail, .cause = verdict::Cause::busy};
    verdict.temp_reason = fmt::format("{} lookups are active and {} waiting (limits.lookups)",
                                      limiter_.in_use(), limiter_.waiting());
    verdict.reasons = {verdict.temp_reason};
    dependencies_.log.warning("overloaded",
                              {{"nexthop", nexthop.key()}, {"reason", verdict.temp_reason}});
    std::vector<verdict::Verdict> verdicts(maps().verdicts().size(), verdict);
    return write(std::move(evidence), std::move(verdicts), milliseconds(0));
}

std::shared_ptr<const Answer> Engine::conclude(verdict::Evidence evidence, milliseconds holds) {
    std::vector<verdict::Verdict> verdicts;
    for (const verdict::Options& options : maps().verdicts())
        verdicts.push_back(verdict::decide(evidence, options, evidence.obtained_at));
    return write(std::move(evidence), std::move(verdicts), holds);
}

std::shared_ptr<const Answer> Engine::write(verdict::Evidence evidence,
                                            std::vector<verdict::Verdict> verdicts,
                                            milliseconds holds) {
    std::vector<verdict::Reply> written;
    for (const Variant& variant : maps().variants())
        written.push_back(render(evidence, verdicts[variant.verdict], variant));
    cache::Replies replies;
    replies.cls = verdicts.front().cls;
    for (std::size_t i = 0; i < written.size(); i++)
        replies.push_back(to_wire(written[i], maps().variants()[i].protocol));
    return std::make_shared<const Answer>(Answer{.evidence = std::move(evidence),
                                                 .verdict = std::move(verdicts.front()),
                                                 .maps = answer_memory_.maps(),
                                                 .written = std::move(written),
                                                 .replies = std::move(replies),
                                                 .holds = holds});
}

verdict::Reply Engine::render(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                              const Variant& variant) {
    if (variant.protocol == config::Protocol::delegation)
        return {.kind = verdict::Reply::Kind::ok,
                .text = verdict::action_for(verdict, evidence, maps().actions()),
                .defect = {}};
    verdict::Reply reply = verdict::render(verdict, evidence, variant.reply);
    if (!reply.defect.empty())
        dependencies_.log.error("reply-defect",
                                {{"nexthop", evidence.nexthop.key()},
                                 {"form", std::string(to_string(variant.reply.form))},
                                 {"defect", reply.defect}});
    return reply;
}

} // namespace postseal::engine
