// What this node knows and others do not yet: FleetStore's way to the server.
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/fleet_call.h"
#include "fleet/fleet_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::fleet {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t group = max_group; // rows offered at once

} // namespace

// Only promises are shared: a name that promises nothing means nothing to other nodes
// (fleet/merge.h), and anyone who can ask can make up as many as they like.
void FleetStore::save(store::StsRow row) {
    std::string key = "sts/" + row.domain.name();
    const auto forgotten_at = is_blank(row) ? std::optional(clock_().now) : std::nullopt;
    if (is_blank(row))
        arrivals_.forget(row.domain);
    else
        row = arrivals_.caught_up(std::move(row), clock_().now);
    const bool is_shared = !promises_nothing(row);
    own_->save(std::move(row));
    if (is_shared) offer_soon(std::move(key), forgotten_at);
}

void FleetStore::save(store::NexthopRow row) {
    if (promises_nothing(row)) return own_->save(std::move(row));
    std::string key = "nexthop/" + row.nexthop;
    const auto forgotten_at = is_blank(row) ? std::optional(clock_().now) : std::nullopt;
    own_->save(std::move(row));
    offer_soon(std::move(key), forgotten_at);
}

void FleetStore::offer_soon(std::string key, std::optional<WallTime> forgotten_at) {
    unshared_.mark(key, forgotten_at);
    own_->save(store::Unshared{.key = std::move(key), .forgotten_at = forgotten_at});
    share_after(share_delay);
}

void FleetStore::share_after(milliseconds delay) {
    if (sharing_ || share_timer_.active() || troubles_.of(Operation::read))
        return; // poll() comes back here
    share_timer_.start(loop_, delay,
                       {[](void* self) {
                            auto& fleet = *static_cast<FleetStore*>(self);
                            if (!fleet.sharing_) fleet.group_->start(fleet.share());
                        },
                        this});
}

async::Task<> FleetStore::share() {
    sharing_ = true;
    bool done = true;
    while (done && !here_.node.empty() && !troubles_.of(Operation::read) && !all_is_shared()) {
        if (unshared_.must_read()) {
            const store::FleetState state = co_await own_->fleet_state(page);
            done = state.unread.empty();
            if (done) unshared_.read(state);
            continue;
        }
        done = co_await share_some(unshared_.next(group));
    }
    sharing_ = false;
    retry_ = done ? milliseconds(0) : std::clamp(retry_ * 2, first_retry, last_retry);
    if (!done)
        share_after(retry_ - milliseconds(chance_() % static_cast<unsigned>(retry_.count() / 2)));
}

// What is offered, and the rows that it was made of, in this node's time.
struct FleetStore::Offered {
    Batch batch;
    std::vector<std::pair<Unshared::Entry, store::StsRow>> policies;
    std::vector<std::pair<Unshared::Entry, store::NexthopRow>> looks;
    std::vector<Unshared::Entry> nothing; // no row is left
    bool unread = false;                  // some of this node's own rows cannot be read now
};

async::Task<FleetStore::Offered> FleetStore::gather(std::vector<Unshared::Entry> entries) {
    Offered offered;
    for (Unshared::Entry& entry : entries) {
        const bool of_policy = entry.key.starts_with("sts/");
        const std::string name = entry.key.substr(entry.key.find('/') + 1);
        store::NexthopRow look{.nexthop = of_policy ? std::string() : name};
        std::optional<Domain> domain;
        if (!of_policy)
            domain = store::policy_domain(look);
        else if (auto parsed = Domain::parse(name))
            domain = *std::move(parsed);
        store::Loaded loaded;
        if (domain) loaded = co_await own_->load(*domain, look.nexthop);
        if (!(of_policy ? loaded.sts_unread : loaded.nexthop_unread).empty()) {
            offered.unread = true; // stays unshared
            continue;
        }
        const bool is_there = of_policy ? loaded.sts && !is_blank(*loaded.sts)
                                        : loaded.nexthop && !is_blank(*loaded.nexthop);
        if (!domain || (!is_there && !entry.forgotten_at)) {
            offered.nothing.push_back(std::move(entry));
        } else if (of_policy) {
            store::StsRow row = std::move(loaded.sts).value_or(store::StsRow{.domain = *domain});
            offered.batch.policies.push_back(here_.to_server(row, entry.forgotten_at));
            offered.policies.emplace_back(std::move(entry), std::move(row));
        } else {
            look = std::move(loaded.nexthop).value_or(std::move(look));
            offered.batch.looks.push_back(here_.to_server(look, entry.forgotten_at));
            offered.looks.emplace_back(std::move(entry), std::move(look));
        }
    }
    co_return offered;
}

async::Task<bool> FleetStore::share_some(std::vector<Unshared::Entry> entries) {
    Offered offered = co_await gather(std::move(entries));
    const bool unread = offered.unread;
    const auto is_shared = [this](const Unshared::Entry& entry) {
        if (!unshared_.shared(entry)) return false;
        own_->save(store::Unshared{.key = entry.key, .shared = true});
        return true;
    };
    for (const Unshared::Entry& entry : offered.nothing)
        is_shared(entry);
    offered.batch.overrides = overrides_.unshared();
    if (offered.batch.policies.empty() && offered.batch.looks.empty() &&
        offered.batch.overrides.empty())
        co_return !unread;
    Job<Batch> job = [batch = std::move(offered.batch)](SharedStore& shared) {
        return shared.offer(batch);
    };
    auto merged = co_await call<Batch>(Operation::share, std::move(job));
    if (!merged) co_return false;
    note_written(merged->last);
    std::int64_t version = 0;
    for (const SharedOverride& one : merged->overrides) {
        note_shared({row_key(one), {}}, merged->versions);
        version = std::max(version, merged->versions.at(row_key(one)));
    }
    take_in_overrides(merged->overrides, version);
    // A row saved again meanwhile is offered again, and then brings back what it lacks.
    for (std::size_t i = 0; i < offered.policies.size(); i++) {
        const auto& [entry, row] = offered.policies[i];
        note_shared({entry.key, entry.forgotten_at}, merged->versions);
        if (is_shared(entry))
            keep(row,
                 as_seen_here(row, here_.from_server(std::move(merged->policies[i])), clock_()));
    }
    for (std::size_t i = 0; i < offered.looks.size(); i++) {
        const auto& [entry, row] = offered.looks[i];
        note_shared({entry.key, entry.forgotten_at}, merged->versions);
        if (is_shared(entry))
            keep(row,
                 as_seen_here(row, here_.from_server(std::move(merged->looks[i])), clock_().now));
    }
    co_return !unread;
}

} // namespace postseal::fleet
