// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/fleet_store.h"

#include "async/thread_name.h"
#include "async/timeout.h"
#include "fleet/fleet_call.h"
#include "fleet/node_id.h"
#include "fleet/shared_refresh.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace postseal::fleet {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds poll_every = 850ms; // with the time that sharing takes, less than a second
constexpr milliseconds wait_for_server = 300ms;
constexpr milliseconds stuck_after = 300ms;
constexpr milliseconds report_every = 10s;
// The safety net: what is overdue here by more than a lease and its refresh take.
constexpr milliseconds overdue_after = 3min;
constexpr milliseconds offer_overdue_every = 10min;
constexpr milliseconds sweep_every = 1min;
constexpr std::size_t swept_at_once = 50;
constexpr milliseconds say_refused_every = 1h;
constexpr milliseconds min_prune_age = std::chrono::days(30);
// Until what this node keeps of its fleet can be read.
constexpr milliseconds first_own_retry = 250ms;
constexpr milliseconds last_own_retry = 10s;
constexpr std::string_view override_rows = "override/"; // fleet/feed_history.h, RowVersions

} // namespace

FleetStore::FleetStore(async::UvLoop& loop, std::unique_ptr<store::SqliteStore> own,
                       std::unique_ptr<Server> server, Clock clock, Log log,
                       milliseconds first_sweep)
    : loop_(loop), clock_(std::move(clock)), log_(std::move(log)), own_(std::move(own)),
      server_(std::move(server)), busy_since_(std::make_shared<std::atomic<std::int64_t>>(0)),
      in_step_at_(loop.now()), started_at_(clock_().now), sweep_at_(loop.now() + first_sweep) {
    if (const std::optional<Error>& away = server_->away; away)
        note(Operation::read, &*away);
    else
        here_.note_clock(server_->store.server_now() - clock_().now);
    if (const std::string& host = server_->location.unverified; !host.empty())
        log_(fmt::format("shared store {}: anyone between here and {} can read and change what the "
                         "fleet shares; add sslmode=verify-full to the key store",
                         server_->location.shown, host));
    const store::FleetState state = own_->fleet_state_at_start();
    own_facts_read_ = state.unread.empty();
    if (own_facts_read_) overrides_.read(state);
    worker_ = std::make_unique<async::Worker>(loop);
    worker_->post([] { async::name_this_thread("shared store"); });
    group_ = std::make_unique<async::Group>(loop);
    group_->start(follow());
}

FleetStore::~FleetStore() {
    server_->interrupt.raise();
    share_timer_.stop();
    group_.reset();
    worker_.reset();
}

bool FleetStore::answers() const {
    const std::int64_t since = busy_since_->load();
    return !troubles_.of(Operation::read) &&
           (since == 0 || steady_ms() - since < stuck_after.count());
}

void FleetStore::note(Operation operation, const Error* error) {
    if (error != nullptr) {
        if (troubles_.failed(operation, *error, clock_().now))
            log_(fmt::format("shared store {}: {}; this node goes on with its own",
                             server_->location.shown, error->text));
        return;
    }
    if (const std::optional<Trouble> ended = troubles_.worked(operation))
        log_(fmt::format("shared store {}: works again; since {} there was: {}",
                         server_->location.shown, rfc3339(ended->since), ended->text));
}

void FleetStore::remember(std::string name, std::string value) {
    own_->save(store::FleetFact{.name = std::move(name), .value = std::move(value)});
}

// --- What others know ------------------------------------------------------------------------

async::Task<> FleetStore::begin() {
    store::FleetState state = co_await own_->fleet_state(page);
    for (milliseconds pause = first_own_retry; !state.unread.empty();
         pause = std::min(pause * 2, last_own_retry)) {
        co_await async::Sleep(loop_, pause);
        state = co_await own_->fleet_state(page);
    }
    if (!own_facts_read_) {
        const auto before = overrides_.in_force();
        overrides_.read(state);
        own_facts_read_ = true;
        announce_overrides(before);
    }
    here_.node = fact(state, "node");
    identity_ = fact(state, "identity");
    feed_ = FeedHistory(fact(state, "history"));
    // One that a version before has read: its token is taken from the server.
    const std::string feed = fact(state, "feed");
    std::int64_t version = 0;
    std::from_chars(feed.data(), feed.data() + feed.size(), version);
    if (version != feed_.latest().version) feed_ = FeedHistory(fmt::format("{}:", version));
    written_ = FeedHistory(fact(state, "written"));
    shared_keys_ = SharedKeys(std::max(version, written_.latest().version));
    keep(overrides_.go_back_to(version));
    unshared_.read(state);
    if (!here_.node.empty()) co_return;
    here_.node = new_node_id();
    remember("node", here_.node);
}

async::Task<> FleetStore::follow() {
    co_await begin();
    milliseconds away = 0ms;
    for (;;) {
        const MonoTime begun = loop_.now();
        const bool more = co_await poll();
        milliseconds pause = std::max(poll_every - (loop_.now() - begun), milliseconds(0));
        if (more) pause = 0ms;
        if (troubles_.of(Operation::read)) {
            away = std::clamp(away * 2, first_retry, last_retry);
            pause = away - milliseconds(chance_() % static_cast<unsigned>(away.count() / 2));
        } else {
            away = 0ms;
        }
        co_await async::Sleep(loop_, pause);
    }
}

// Whether there is more to be read at once.
async::Task<bool> FleetStore::poll() {
    struct Polled {
        Changes changes;
        std::string identity;
    };
    Job<Polled> job = [after = feed_.latest(), at_least = ahead_.latest(),
                       written = first_poll_ ? written_.versions() : std::vector<FeedVersion>()](
                          SharedStore& shared) -> Result<Polled> {
        auto changes = shared.changes(after, page, at_least);
        if (!changes) return std::unexpected(std::move(changes.error()));
        if (!written.empty()) {
            const auto log = shared.log_of(written);
            if (!log) return std::unexpected(log.error());
            const auto is_there = [&](const FeedVersion& one) {
                return std::ranges::find(*log, one) != log->end();
            };
            if (!std::ranges::all_of(written, is_there)) changes->other_history = true;
        }
        return Polled{*std::move(changes), shared.about().identity};
    };
    auto polled = co_await call<Polled>(Operation::read, std::move(job));
    if (!polled) {
        in_step_ = false;
        co_return false;
    }
    if (polled->identity != identity_) {
        co_await take_up(std::move(polled->identity));
        co_return !std::exchange(own_unread_, false);
    }
    if (polled->changes.other_history) {
        in_step_ = false;
        co_await go_back();
        co_return !std::exchange(own_unread_, false) && !troubles_.of(Operation::read);
    }
    first_poll_ = false;
    Changes& changes = polled->changes;
    note_refused(changes.refused);
    for (SharedPolicy& policy : changes.policies) {
        shared_keys_.note(changes.upto.version,
                          {row_key(policy), translated(policy.forgotten_at, -here_.ahead)});
        co_await take_in_policy(std::move(policy));
    }
    for (SharedNexthop& look : changes.looks) {
        shared_keys_.note(changes.upto.version,
                          {row_key(look), translated(look.forgotten_at, -here_.ahead)});
        co_await take_in_nexthop(std::move(look));
    }
    // It is read again when this node can read what it holds itself.
    if (std::exchange(own_unread_, false)) {
        in_step_ = false;
        co_return false;
    }
    const bool more = changes.upto.version < changes.latest;
    in_step_ = !more;
    take_in_overrides(changes.overrides, changes.latest);
    feed_read(changes);
    if (in_step_) {
        in_step_at_ = loop_.now();
        has_been_in_step_ = true;
    }
    if (!all_is_shared()) share_after(troubles_.of(Operation::share) ? retry_ : share_delay);
    if (loop_.now() >= reported_at_ + report_every) co_await report();
    if (in_step_ && loop_.now() >= sweep_at_) co_await sweep();
    co_return more;
}

// Whoever writes such rows can write many of them.
void FleetStore::note_refused(std::size_t count) {
    refused_ += count;
    if (refused_ == 0 || loop_.now() < say_refused_at_) return;
    say_refused_at_ = loop_.now() + say_refused_every;
    log_(fmt::format("shared store {}: {} of its rows are refused: larger than any that a node "
                     "writes, or about no domain",
                     server_->location.shown, std::exchange(refused_, 0)));
}

// What it brought has been taken in.
void FleetStore::feed_read(const Changes& changes) {
    offer_again(ahead_.missed(changes.versions, changes.upto.version));
    if (feed_.latest() == changes.upto) return;
    feed_.read_up_to(changes.upto);
    remember_feed();
    if (written_.versions().empty()) return;
    written_.drop_up_to(changes.upto.version);
    remember("written", written_.text());
}

void FleetStore::remember_feed() {
    remember("feed", fmt::format("{}", feed_.latest().version));
    remember("history", feed_.text());
}

void FleetStore::offer_again(const std::vector<RowToOffer>& rows) {
    for (const RowToOffer& row : rows) {
        if (row.key.starts_with(override_rows)) {
            keep(overrides_.offer_again(row.key.substr(override_rows.size())));
            continue;
        }
        unshared_.mark(row.key, row.forgotten_at);
        own_->save(store::Unshared{.key = row.key, .forgotten_at = row.forgotten_at});
    }
}

void FleetStore::note_written(const FeedVersion& version) {
    if (version.version <= feed_.latest().version) return;
    written_.read_up_to(version);
    remember("written", written_.text());
}

// The server has it at the version that `versions` gives.
void FleetStore::note_shared(RowToOffer row, const RowVersions& versions) {
    const auto found = versions.find(row.key);
    const std::int64_t version = found == versions.end() ? 0 : found->second;
    if (version > feed_.latest().version) ahead_.note(version, row);
    if (!row.key.starts_with(override_rows)) shared_keys_.note(version, std::move(row));
}

bool FleetStore::all_is_shared() const {
    return unshared_.empty() && overrides_.unshared().empty();
}

void FleetStore::take_in_overrides(const std::vector<SharedOverride>& theirs,
                                   std::int64_t version) {
    const auto before = overrides_.in_force();
    keep(overrides_.take_in(theirs, version));
    if (in_step_) keep(overrides_.drop_doubtful());
    announce_overrides(before);
}

void FleetStore::announce_overrides(const KeptOverrides::Lines& before) {
    if (overrides_.in_force() == before) return;
    // An operator can decide by any node: every node says what is in force now, and whose word it
    // is (fleet/merge.h, the threat model).
    for (const SharedOverride& one : overrides_.changed_since(before))
        log_(one.at == WallTime{} && one.line.empty()
                 ? fmt::format("override of the fleet for {} was dropped: the shared store has "
                               "other tables now, which lack it",
                               one.key)
                 : fmt::format("override of the fleet for {} {} by {} at {}", one.key,
                               one.line.empty() ? "was removed"
                                                : "is in force: \"" + one.line + "\", set",
                               one.by.empty() ? "an unknown node" : one.by, rfc3339(one.at)));
    if (overrides_listener_) overrides_listener_(overrides_.lines());
}

// The server is of another history than what was read and written.
async::Task<> FleetStore::go_back() {
    Job<std::vector<FeedVersion>> job = [versions = feed_.versions()](SharedStore& shared) {
        return shared.log_of(versions);
    };
    const auto there = co_await call<std::vector<FeedVersion>>(Operation::read, std::move(job));
    if (!there) co_return;
    const FeedVersion common = feed_.common(*there);
    // What was written before the start of this run is not known by row.
    const bool known = !first_poll_ || written_.versions().empty();
    const auto rows = known ? shared_keys_.above(common.version) : std::nullopt;
    if (rows) {
        offer_again(*rows);
        offer_again(ahead_.take_all());
    } else {
        const bool marked = co_await own_->all_unshared();
        own_unread_ = !marked;
        if (own_unread_) co_return;
        const store::FleetState state = co_await own_->fleet_state(page);
        own_unread_ = !state.unread.empty();
        if (own_unread_) co_return;
        unshared_.read(state);
        offer_again(ahead_.take_all());
    }
    first_poll_ = false;
    keep(overrides_.go_back_to(common.version));
    log_(fmt::format(
        "shared store {}: it is of another history since change {} (it failed over, was "
        "restored, or there are two of it); read up to change {} before: {} rows and "
        "{} overrides are offered again",
        server_->location.shown, common.version, feed_.latest().version, unshared_.size(),
        overrides_.unshared().size()));
    feed_.go_back_to(common);
    written_ = {};
    remember_feed();
    remember("written", "");
}

// Tables that this node has never seen.
async::Task<> FleetStore::take_up(std::string identity) {
    const bool marked = co_await own_->all_unshared();
    own_unread_ = !marked;
    if (own_unread_) co_return;
    // Counted before anybody is told that the feed has been read.
    const store::FleetState state = co_await own_->fleet_state(page);
    own_unread_ = !state.unread.empty();
    if (own_unread_) co_return;
    unshared_.read(state);
    identity_ = std::move(identity);
    feed_ = {};
    written_ = {};
    ahead_ = {};
    first_poll_ = false;
    shared_keys_ = SharedKeys(0);
    overrides_.doubt_all();
    remember("identity", identity_);
    remember_feed();
    remember("written", "");
}

async::Task<> FleetStore::report() {
    reported_at_ = loop_.now();
    const Node me{.id = here_.node,
                  .version = POSTSEAL_VERSION,
                  .started_at = translated(started_at_, here_.ahead),
                  .feed = feed_.latest().version};
    Job<bool> job = [me](SharedStore& shared) { return shared.report(me); };
    const auto by_another = co_await call<bool>(Operation::report, std::move(job));
    if (by_another) note_namesake(*by_another);
}

// A machine that was copied with its state_dir, and both run.
void FleetStore::note_namesake(bool seen) {
    switch (namesake_.note(seen, loop_.now(), clock_().now)) {
    case Namesake::Change::none:
        break;
    case Namesake::Change::appeared:
        log_.same_node_id(namesake_text());
        break;
    case Namesake::Change::gone:
        log_(fmt::format("shared store {}: no other node is called {} any more",
                         server_->location.shown, here_.node));
        break;
    }
}

std::string FleetStore::namesake_text() const {
    return fmt::format(
        "shared store {}: another node of the fleet is called {}, too, so its "
        "state_dir is a copy of this one's: on one of the two stop postseald, remove "
        "postseal.db from its state_dir, and start it again",
        server_->location.shown, here_.node);
}

void FleetStore::keep(KeptOverrides::Facts facts) {
    for (store::FleetFact& fact : facts)
        own_->save(std::move(fact));
}

void FleetStore::keep(const store::StsRow& before, store::StsRow after) {
    const Difference what = news(before, after, clock_().now);
    if (what == Difference::none) return;
    const Domain domain = after.domain;
    if (what == Difference::binding) arrivals_.note(after, loop_.now());
    own_->save(std::move(after));
    if (what == Difference::binding && listener_.policy) listener_.policy(domain);
}

void FleetStore::keep(const store::NexthopRow& before, store::NexthopRow after) {
    const Difference what = news(before, after);
    if (what == Difference::none) return;
    const std::string nexthop = after.nexthop;
    own_->save(std::move(after));
    if (what == Difference::binding && listener_.dane) listener_.dane(nexthop);
}

async::Task<> FleetStore::take_in_policy(SharedPolicy theirs) {
    const SharedPolicy policy = here_.from_server(std::move(theirs));
    const store::Loaded loaded = co_await own_->load(policy.row.domain, std::string());
    if (!loaded.sts_unread.empty()) {
        own_unread_ = true;
        co_return;
    }
    const store::StsRow own = loaded.sts.value_or(store::StsRow{.domain = policy.row.domain});
    keep(own, as_seen_here(own, policy, clock_()));
}

async::Task<> FleetStore::take_in_nexthop(SharedNexthop theirs) {
    const SharedNexthop look = here_.from_server(std::move(theirs));
    const auto domain = store::policy_domain(look.row);
    if (!domain) co_return;
    const store::Loaded loaded = co_await own_->load(*domain, look.row.nexthop);
    if (!loaded.nexthop_unread.empty()) {
        own_unread_ = true;
        co_return;
    }
    const store::NexthopRow own =
        loaded.nexthop.value_or(store::NexthopRow{.nexthop = look.row.nexthop});
    keep(own, as_seen_here(own, look, clock_().now));
}

async::Task<bool> FleetStore::ask(std::string domain, std::string nexthop) {
    Job<Facts> job = [domain = std::move(domain), nexthop = std::move(nexthop)](
                         SharedStore& shared) { return shared.find(domain, nexthop); };
    auto facts = co_await call<Facts>(Operation::read, std::move(job));
    if (!facts) co_return false;
    Facts known = *std::move(facts);
    if (known.policy) {
        note_shared({row_key(*known.policy), translated(known.policy->forgotten_at, -here_.ahead)},
                    known.versions);
        co_await take_in_policy(*std::move(known.policy));
    }
    if (known.look) {
        note_shared({row_key(*known.look), translated(known.look->forgotten_at, -here_.ahead)},
                    known.versions);
        co_await take_in_nexthop(*std::move(known.look));
    }
    co_return true;
}

bool FleetStore::has_all(const store::Loaded& own) const {
    if (in_step_ && answers()) return own.sts || own.nexthop;
    if (own.sts && !own.sts->body.empty()) return true;
    const WallTime in_step_at = clock_().now - (loop_.now() - in_step_at_);
    return has_been_in_step_ && own.nexthop && !own.nexthop->verdict.empty() &&
           own.nexthop->verdict_since < in_step_at;
}

async::Task<store::Loaded> FleetStore::load(Domain policy_domain, std::string nexthop_key) {
    store::Loaded own = co_await own_->load(policy_domain, nexthop_key);
    if (!own_facts_read_) {
        // An override may be there that decides otherwise.
        own.sts_unread = own.nexthop_unread =
            "the overrides of the fleet cannot be read from this node's own store";
        co_return own;
    }
    if (has_all(own)) co_return own;
    bool asked = false;
    if (answers()) {
        auto asking = ask(policy_domain.name(), nexthop_key);
        const std::optional<bool> answered =
            co_await async::with_timeout(loop_, std::move(asking), wait_for_server);
        asked = answered.value_or(false);
        own = co_await own_->load(std::move(policy_domain), std::move(nexthop_key));
    }
    if (!asked) own.sts_elsewhere = "another node may have one, and the shared store is silent";
    co_return own;
}

async::Task<std::vector<store::RefreshDue>> FleetStore::next_refreshes(std::size_t most) {
    const bool refused = troubles_.of(Operation::lease) && loop_.now() < ask_for_leases_at_;
    if (refused || !answers()) co_return co_await next_alone(most);
    std::vector<store::RefreshDue> next = co_await own_->next_refreshes(leases_at_once);
    const std::vector<store::RefreshDue> due_here = next;
    if (next.size() > 1) next.resize(1, next.front());
    // Those that are due and not ours are somebody else's, or will be ours then.
    const auto later = [&](milliseconds wait) {
        if (!next.empty()) next.front().at = clock_().now + wait;
    };
    if (here_.node.empty()) { // a moment after start
        later(1s);
        co_return next;
    }
    if (const MonoTime now = loop_.now(); now < ask_for_leases_at_) {
        later(ask_for_leases_at_ - now);
        co_return next;
    }
    most = std::min(most, leases_at_once);
    Job<std::vector<SharedPolicy>> job = [node = here_.node, most](SharedStore& shared) {
        return shared.lease(node, most, lease_for);
    };
    auto leased = co_await call<std::vector<SharedPolicy>>(Operation::lease, std::move(job));
    if (!leased) {
        ask_for_leases_at_ = loop_.now() + until_asked_again(some_chance());
        co_return co_await next_alone(most);
    }
    put_off_.clear();
    // Not before: what this node put off meanwhile is not for the others to wait for.
    offer_overdue(due_here);
    const bool all = leased->size() < most;
    const milliseconds wait = all ? until_asked_again(some_chance()) : 0ms;
    ask_for_leases_at_ = loop_.now() + wait;
    std::vector<store::RefreshDue> ours;
    for (SharedPolicy& policy : *leased) {
        // Only what is due is leased.
        const auto due_at = translated(policy.row.refresh_at, -here_.ahead);
        store::RefreshDue due{.domain = policy.row.domain, .at = due_at.value_or(clock_().now)};
        co_await take_in_policy(std::move(policy));
        co_await make_due(due);
        ours.push_back(std::move(due));
    }
    later(wait);
    std::ranges::move(next, std::back_inserter(ours));
    co_return ours;
}

// The server may lack the row, or its time for a refresh, and then leases it to nobody.
void FleetStore::offer_overdue(const std::vector<store::RefreshDue>& due) {
    const MonoTime now = loop_.now();
    std::erase_if(offered_overdue_,
                  [&](const auto& one) { return now >= one.second + offer_overdue_every; });
    for (const store::RefreshDue& one : due) {
        const bool overdue = one.at <= clock_().now - overdue_after;
        if (overdue && offered_overdue_.try_emplace(one.domain.name(), now).second)
            offer_soon("sts/" + one.domain.name(), {});
    }
}

async::Task<> FleetStore::sweep() {
    sweep_at_ = loop_.now() + sweep_every;
    co_await own_->flush();
    const auto rows = co_await own_->ask(store::policies_after, swept_to_, swept_at_once);
    swept_to_ = rows.size() < swept_at_once ? std::string() : rows.back().domain.name();
    for (const store::StsRow& row : rows)
        if (!row.body.empty()) offer_soon("sts/" + row.domain.name(), {});
}

// Nobody knows what the others do. Each policy is put off once.
async::Task<std::vector<store::RefreshDue>> FleetStore::next_alone(std::size_t most) {
    const std::vector<store::RefreshDue> next = co_await own_->next_refreshes(most);
    const WallTime now = clock_().now;
    for (const store::RefreshDue& due : next) {
        if (due.at > now || put_off_.contains(due.domain.name())) continue;
        store::Loaded loaded = co_await own_->load(due.domain, std::string());
        if (!loaded.sts || loaded.sts->refresh_at != due.at) continue;
        put_off_.insert(due.domain.name());
        loaded.sts->refresh_at = put_off(now, loaded.sts->expires_at, some_chance());
        own_->save(*std::move(loaded.sts));
    }
    co_return co_await own_->next_refreshes(most);
}

// It may have been put off here.
async::Task<> FleetStore::make_due(store::RefreshDue due) {
    store::Loaded loaded = co_await own_->load(due.domain, std::string());
    if (!loaded.sts || loaded.sts->refresh_at <= due.at) co_return;
    loaded.sts->refresh_at = due.at;
    own_->save(*std::move(loaded.sts));
}

double FleetStore::some_chance() { return std::uniform_real_distribution<double>(0, 1)(chance_); }

// --- What is this node's alone ---------------------------------------------------------------

void FleetStore::save(store::HistoryRow row) { own_->save(std::move(row)); }

async::Task<> FleetStore::flush() { return own_->flush(); }

async::Task<bool> FleetStore::prune(WallTime before) {
    const bool ended = co_await own_->prune(before);
    // An age: this node's clock may be years off, and the others' rows are not its to judge.
    const milliseconds age = std::max<milliseconds>(clock_().now - before, min_prune_age);
    if (ended && answers()) group_->start(prune_shared(age));
    co_return ended;
}

async::Task<> FleetStore::prune_shared(milliseconds age) {
    for (std::size_t gone = page; gone >= page;) {
        Job<std::size_t> job = [age, now = clock_().now](SharedStore& shared) {
            return shared.prune(age, page, now);
        };
        const auto pruned = co_await call<std::size_t>(Operation::prune, std::move(job));
        if (!pruned) co_return;
        gone = *pruned;
        co_await async::Sleep(loop_, 1s);
    }
}

void FleetStore::clock_jumped(store::ClockJump jump) {
    here_.ahead -= jump.to - jump.from;
    own_->clock_jumped(jump);
}

store::Status FleetStore::status() const {
    store::Status status = own_->status();
    for (std::size_t i = 0; i < faults; i++) {
        const auto fault = static_cast<Fault>(i);
        status.by_reason.emplace_back(to_string(fault), troubles_.count(fault));
        status.failures += troubles_.count(fault);
    }
    status.shared =
        store::SharedStatus{.place = server_->location.shown,
                            .node = here_.node,
                            .up = troubles_.first() == nullptr,
                            .behind = std::max<milliseconds>(loop_.now() - in_step_at_, 0ms),
                            .unshared = unshared_.size() + overrides_.unshared().size()};
    if (const Trouble* first = troubles_.first())
        status.degrade(fmt::format("shared store: {}, since {}; {} rows wait in this node's own",
                                   first->text, rfc3339(first->since), status.shared->unshared));
    if (const std::optional<WallTime>& since = namesake_.since())
        status.degrade(fmt::format("{}; since {}", namesake_text(), rfc3339(*since)));
    return status;
}

} // namespace postseal::fleet
