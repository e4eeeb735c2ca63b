// SPDX-License-Identifier: BSD-3-Clause
#include "engine/engine.h"

#include "async/timeout.h"
#include "dns/mx_lookup.h"
#include "engine/validity.h"
#include "postseal/wire/socketmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

using verdict::HostState;
using verdict::MxState;

std::string to_wire(const verdict::Reply& reply) {
    switch (reply.kind) {
    case verdict::Reply::Kind::ok:
        return wire::socketmap::ok(reply.text);
    case verdict::Reply::Kind::not_found:
        return wire::socketmap::not_found();
    case verdict::Reply::Kind::temp:
        return wire::socketmap::temp(reply.text);
    }
    return wire::socketmap::temp("internal error");
}

// Whether this evaluation knows of DANE: nothing where a lookup failed before the answer was sure.
std::optional<bool> dane_seen(const verdict::Mx& mx) {
    const auto has = [&](HostState state) {
        return std::ranges::any_of(mx.hosts, [&](const auto& host) { return host.state == state; });
    };
    if (mx.state == MxState::bogus || mx.state == MxState::failed) return std::nullopt;
    if (has(HostState::usable) || has(HostState::unusable)) return true;
    if (has(HostState::failed)) return std::nullopt;
    return false;
}

} // namespace

Engine::Engine(Sources sources, const Maps& maps, const Overrides& overrides,
               const Options& options)
    : sources_(sources), maps_(std::make_shared<const Maps>(maps)), overrides_(overrides),
      options_(options), cache_(options.cache_octets), downgrades_(sources.log),
      limiter_(sources.loop, options.lookups), sts_(sources, downgrades_), flights_(sources.loop) {}

void Engine::reconfigure(const Maps& maps, Overrides overrides, const Options& options) {
    const bool same_replies = maps == *maps_ && options.verdict == options_.verdict;
    if (maps != *maps_) maps_ = std::make_shared<const Maps>(maps);
    options_ = options;
    cache_.limit(options.cache_octets);
    limiter_.set_permits(options.lookups);
    const Overrides before = std::exchange(overrides_, std::move(overrides));
    if (same_replies) {
        override_changed(before);
        return;
    }
    cache_.clear();
    no_promise_.reset();
}

void Engine::override_changed(const Overrides& before) {
    const std::vector<std::string> keys = before.differences(overrides_);
    // What is below a parent is all over the memory.
    if (std::ranges::any_of(keys, [](const std::string& key) { return key.starts_with('.'); }))
        return cache_.clear();
    for (const std::string& key : keys)
        cache_.erase(key);
}

Engine::Flights::Shared Engine::start_or_join(const Nexthop& nexthop, MonoTime asked) {
    Flights::Shared flight = flights_.start_or_join(nexthop.key(), [&](Progress& progress) {
        progress.asked = asked;
        return evaluate(nexthop, progress);
    });
    flight->context.asked = std::max(flight->context.asked, asked);
    return flight;
}

async::Task<std::shared_ptr<const Answer>> Engine::answer(Nexthop nexthop) {
    const Flights::Shared flight = start_or_join(nexthop, sources_.loop.now());
    if (!flight->value) {
        async::Task<std::shared_ptr<const Answer>> landing = Flights::wait(sources_.loop, flight);
        co_await async::with_timeout(sources_.loop, std::move(landing), options_.deadline);
    }
    const auto& landed = flight->value;
    if (landed) co_return *landed;
    co_return at_deadline(nexthop, flight->context);
}

std::optional<Engine::Due> Engine::take_due() {
    const MonoTime now = sources_.loop.now();
    while (const auto due = cache_.take_due(now))
        if (now - due->asked < asked_lately)
            if (auto nexthop = Nexthop::parse(due->key))
                return Due{.nexthop = std::move(*nexthop), .asked = due->asked};
    return std::nullopt;
}

async::Task<> Engine::look_again(Due due) {
    const Flights::Shared flight = start_or_join(due.nexthop, due.asked);
    co_await Flights::Waiter(sources_.loop, flight);
}

async::Task<std::shared_ptr<const Answer>> Engine::evaluate(Nexthop nexthop, Progress& progress) {
    if (auto policy = overrides_.find(nexthop))
        co_return overridden(nexthop, std::move(*policy), progress.asked);
    const async::Limiter::Permit permit = co_await limiter_.acquire();
    progress.started = true;
    std::optional<store::DaneRow> row;
    StsLookup::Result sts;
    verdict::Mx mx;
    async::Group lookups(sources_.loop);
    lookups.start(look_up_mx(nexthop, progress, mx));
    lookups.start(look_up_sts(nexthop, progress, row, sts));
    co_await lookups.join();

    // One may have come meanwhile, by reconfigure().
    if (auto policy = overrides_.find(nexthop))
        co_return overridden(nexthop, std::move(*policy), progress.asked);
    const WallTime now = sources_.clock.now();
    verdict::Evidence evidence{.nexthop = nexthop,
                               .mx = std::move(mx),
                               .sts = std::move(sts.sts),
                               .remembered = progress.remembered,
                               .obtained_at = now};
    remember(evidence, row);
    const unsigned failures = any_failed(evidence) ? cache_.failures(nexthop.key()) + 1 : 0;
    const milliseconds holds = holds_for(evidence, sts.txt_ttl, failures, now);
    std::shared_ptr<const Answer> answer = conclude(std::move(evidence), holds);
    keep(*answer, sts.txt_ttl, failures, progress.asked);
    co_return answer;
}

void Engine::keep(const Answer& answer, seconds txt_ttl, unsigned failures, MonoTime asked) {
    const verdict::Evidence& evidence = answer.evidence;
    const std::string key = evidence.nexthop.key();
    const MonoTime now = sources_.loop.now();
    const MonoTime due_before = cache_.next_due();
    const MonoTime due = now + look_ahead_after(evidence, txt_ttl, failures, evidence.obtained_at,
                                                sources_.random.next());
    // Known evidence is used to its end.
    if (failures == 0 || !cache_.postpone(key, now, due, failures))
        cache_.put(key, answer.replies, {.until = now + answer.holds, .due = due, .asked = asked},
                   failures);
    if (sooner_.fn != nullptr && cache_.next_due() < due_before) sooner_();
}

// What the operator says needs no lookup, and must not wait for one.
std::shared_ptr<const Answer> Engine::overridden(const Nexthop& nexthop, std::string policy,
                                                 MonoTime asked) {
    verdict::Evidence evidence{.nexthop = nexthop,
                               .override_policy = std::move(policy),
                               .obtained_at = sources_.clock.now()};
    const milliseconds holds = std::chrono::hours(1);
    std::shared_ptr<const Answer> answer = conclude(std::move(evidence), holds);
    const MonoTime until = sources_.loop.now() + holds;
    cache_.put(nexthop.key(), answer->replies, {.until = until, .asked = asked}, 0);
    return answer;
}

async::Task<> Engine::look_up_mx(Nexthop nexthop, Progress& progress, verdict::Mx& mx) {
    mx =
        co_await dns::mx_lookup(sources_.loop, sources_.resolver, std::move(nexthop), &progress.mx);
}

async::Task<> Engine::look_up_sts(Nexthop nexthop, Progress& progress,
                                  std::optional<store::DaneRow>& row, StsLookup::Result& result) {
    store::Loaded loaded = co_await sources_.store.load(nexthop.domain, nexthop.key());
    row = std::move(loaded.dane);
    if (row && sources_.clock.now() < row->seen_at + remembered_for)
        progress.remembered = row->dane ? verdict::Remembered::dane : verdict::Remembered::no_dane;
    progress.sts = sts_.start_or_join(nexthop.domain, std::move(loaded.sts));
    result = co_await StsLookup::Flights::wait(sources_.loop, progress.sts);
}

void Engine::remember(const verdict::Evidence& evidence, const std::optional<store::DaneRow>& row) {
    using namespace std::chrono_literals;
    const std::optional<bool> dane = dane_seen(evidence.mx);
    if (!dane) return;
    // The same state is written again only now and then: it is for days.
    if (row && row->dane && !*dane) downgrades_.note(evidence.nexthop.key(), "DANE", "no DANE");
    if (row && row->dane == *dane && evidence.obtained_at < row->seen_at + 1h) return;
    sources_.store.save(store::DaneRow{evidence.nexthop.key(), *dane, evidence.obtained_at});
}

std::shared_ptr<const Answer> Engine::at_deadline(const Nexthop& nexthop,
                                                  const Progress& progress) {
    if (!progress.started) return overloaded(nexthop);
    verdict::Evidence evidence{.nexthop = nexthop,
                               .mx = progress.mx,
                               .remembered = progress.remembered,
                               .obtained_at = sources_.clock.now(),
                               .partial = true};
    if (progress.sts) evidence.sts = progress.sts->context;
    sources_.log.info("deadline", {{"nexthop", nexthop.key()}});
    return conclude(std::move(evidence), milliseconds(0));
}

std::shared_ptr<const Answer> Engine::overloaded(const Nexthop& nexthop) {
    verdict::Evidence evidence{
        .nexthop = nexthop, .obtained_at = sources_.clock.now(), .partial = true};
    verdict::Verdict verdict{.cls = verdict::Class::tempfail};
    verdict.temp_reason = fmt::format("{} lookups are at work and {} wait (limits.lookups)",
                                      limiter_.in_use(), limiter_.waiting());
    verdict.reasons = {verdict.temp_reason};
    return write(std::move(evidence), std::move(verdict), milliseconds(0));
}

std::shared_ptr<const Answer> Engine::conclude(verdict::Evidence evidence, milliseconds holds) {
    verdict::Verdict verdict = verdict::decide(evidence, options_.verdict, evidence.obtained_at);
    return write(std::move(evidence), std::move(verdict), holds);
}

std::shared_ptr<const Answer> Engine::write(verdict::Evidence evidence, verdict::Verdict verdict,
                                            milliseconds holds) {
    if (verdict.cls == verdict::Class::tempfail)
        sources_.log.warning(
            "tempfail", {{"nexthop", evidence.nexthop.key()}, {"reason", verdict.temp_reason}});
    std::vector<verdict::Reply> written;
    std::shared_ptr<const Replies> replies = render(evidence, verdict, written);
    return std::make_shared<const Answer>(Answer{.evidence = std::move(evidence),
                                                 .verdict = std::move(verdict),
                                                 .maps = maps_,
                                                 .written = std::move(written),
                                                 .replies = std::move(replies),
                                                 .holds = holds});
}

std::shared_ptr<const Replies> Engine::render(const verdict::Evidence& evidence,
                                              const verdict::Verdict& verdict,
                                              std::vector<verdict::Reply>& written) {
    Replies replies;
    for (const verdict::ReplyOptions& options : maps_->variants()) {
        verdict::Reply& reply = written.emplace_back(verdict::render(verdict, evidence, options));
        if (!reply.defect.empty())
            sources_.log.error("reply-defect", {{"nexthop", evidence.nexthop.key()},
                                                {"form", std::string(to_string(options.form))},
                                                {"defect", reply.defect}});
        replies.push_back(to_wire(reply));
    }
    if (verdict.cls == verdict::Class::may) {
        if (!no_promise_ || *no_promise_ != replies)
            no_promise_ = std::make_shared<const Replies>(std::move(replies));
        return no_promise_;
    }
    return std::make_shared<const Replies>(std::move(replies));
}

} // namespace postseal::engine
