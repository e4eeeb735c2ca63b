// SPDX-License-Identifier: BSD-3-Clause
#include "engine/engine.h"

#include "async/timeout.h"
#include "dns/mx_lookup.h"
#include "engine/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

using verdict::HostState;
using verdict::MxState;

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
    : sources_(sources), maps_(maps), overrides_(overrides), options_(options),
      cache_(options.cache_octets), downgrades_(sources.log),
      limiter_(sources.loop, options.lookups), sts_(sources, downgrades_), flights_(sources.loop) {}

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
    std::vector<verdict::Verdict> verdicts(maps_.verdicts().size(), verdict);
    return write(std::move(evidence), std::move(verdicts), milliseconds(0));
}

std::shared_ptr<const Answer> Engine::conclude(verdict::Evidence evidence, milliseconds holds) {
    std::vector<verdict::Verdict> verdicts;
    for (const verdict::Options& options : maps_.verdicts())
        verdicts.push_back(verdict::decide(evidence, options, evidence.obtained_at));
    return write(std::move(evidence), std::move(verdicts), holds);
}

std::shared_ptr<const Answer> Engine::write(verdict::Evidence evidence,
                                            std::vector<verdict::Verdict> verdicts,
                                            milliseconds holds) {
    const auto waits =
        std::ranges::find(verdicts, verdict::Class::tempfail, &verdict::Verdict::cls);
    if (waits != verdicts.end())
        sources_.log.warning("tempfail",
                             {{"nexthop", evidence.nexthop.key()}, {"reason", waits->temp_reason}});
    std::vector<verdict::Reply> written;
    for (const Variant& variant : maps_.variants())
        written.push_back(render(evidence, verdicts[variant.verdict], variant));
    std::shared_ptr<const Replies> replies = to_replies(written, verdicts.front().cls);
    return std::make_shared<const Answer>(Answer{.evidence = std::move(evidence),
                                                 .verdict = std::move(verdicts.front()),
                                                 .written = std::move(written),
                                                 .replies = std::move(replies),
                                                 .holds = holds});
}

verdict::Reply Engine::render(const verdict::Evidence& evidence, const verdict::Verdict& verdict,
                              const Variant& variant) {
    if (variant.protocol == config::Protocol::delegation)
        return {.kind = verdict::Reply::Kind::ok,
                .text = verdict::action_for(verdict, evidence, maps_.actions()),
                .defect = {}};
    verdict::Reply reply = verdict::render(verdict, evidence, variant.reply);
    if (!reply.defect.empty())
        sources_.log.error("reply-defect", {{"nexthop", evidence.nexthop.key()},
                                            {"form", std::string(to_string(variant.reply.form))},
                                            {"defect", reply.defect}});
    return reply;
}

std::shared_ptr<const Replies> Engine::to_replies(const std::vector<verdict::Reply>& written,
                                                  verdict::Class cls) {
    Replies replies;
    for (std::size_t i = 0; i < written.size(); i++)
        replies.push_back(to_wire(written[i], maps_.variants()[i].protocol));
    if (cls == verdict::Class::may) {
        if (!no_promise_ || *no_promise_ != replies)
            no_promise_ = std::make_shared<const Replies>(std::move(replies));
        return no_promise_;
    }
    return std::make_shared<const Replies>(std::move(replies));
}

} // namespace postseal::engine
