// What this node knows and others do not yet: FleetStore's way to the server.
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/fleet_call.h"
#include "fleet/fleet_store.h"

#include <algorithm>
#include <utility>

namespace postseal::fleet {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t group = 200; // rows offered at once; less than a page

} // namespace

void FleetStore::save(store::StsRow row) {
    const std::string key = "sts/" + row.domain.name();
    const WallTime forgotten_at = is_blank(row) ? wall_clock_() : WallTime{};
    if (is_blank(row))
        arrivals_.forget(row.domain);
    else
        row = arrivals_.caught_up(std::move(row), wall_clock_());
    own_->save(std::move(row));
    own_->save(store::Unshared{.key = key, .forgotten_at = forgotten_at});
    unshared_.mark(key, forgotten_at);
    share_after(share_delay);
}

void FleetStore::save(store::NexthopRow row) {
    const std::string key = "nexthop/" + row.nexthop;
    const WallTime forgotten_at = is_blank(row) ? wall_clock_() : WallTime{};
    own_->save(std::move(row));
    own_->save(store::Unshared{.key = key, .forgotten_at = forgotten_at});
    unshared_.mark(key, forgotten_at);
    share_after(share_delay);
}

void FleetStore::share_after(milliseconds delay) {
    if (sharing_ || share_timer_.active() || read_trouble_) return; // poll() comes back here
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
    while (done && !node_.empty() && !read_trouble_ && !unshared_.empty()) {
        if (unshared_.must_read()) {
            const store::FleetState state = co_await own_->fleet_state(page);
            unshared_.read(state);
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
};

async::Task<FleetStore::Offered> FleetStore::gather(std::vector<Unshared::Entry> entries) {
    Offered offered;
    for (Unshared::Entry& entry : entries) {
        const bool forgotten = entry.forgotten_at != WallTime{};
        if (entry.key.starts_with("sts/")) {
            const auto domain = Domain::parse(entry.key.substr(4));
            if (!domain) {
                offered.nothing.push_back(std::move(entry));
                continue;
            }
            store::Loaded loaded = co_await own_->load(*domain, std::string());
            store::StsRow row = loaded.sts.value_or(store::StsRow{.domain = *domain});
            if (is_blank(row) && !forgotten) {
                offered.nothing.push_back(std::move(entry));
                continue;
            }
            offered.batch.policies.push_back(to_server(row, entry.forgotten_at));
            offered.policies.emplace_back(std::move(entry), std::move(row));
        } else {
            store::NexthopRow row{.nexthop = entry.key.substr(entry.key.find('/') + 1)};
            const auto domain = store::policy_domain(row);
            if (!domain) {
                offered.nothing.push_back(std::move(entry));
                continue;
            }
            store::Loaded loaded = co_await own_->load(*domain, row.nexthop);
            if (loaded.nexthop) row = *std::move(loaded.nexthop);
            if (is_blank(row) && !forgotten) {
                offered.nothing.push_back(std::move(entry));
                continue;
            }
            offered.batch.looks.push_back(to_server(row, entry.forgotten_at));
            offered.looks.emplace_back(std::move(entry), std::move(row));
        }
    }
    co_return offered;
}

async::Task<bool> FleetStore::share_some(std::vector<Unshared::Entry> entries) {
    Offered offered = co_await gather(std::move(entries));
    const auto is_shared = [this](const Unshared::Entry& entry) {
        if (!unshared_.shared(entry)) return false;
        own_->save(store::Unshared{.key = entry.key, .shared = true});
        return true;
    };
    for (const Unshared::Entry& entry : offered.nothing)
        is_shared(entry);
    if (offered.batch.policies.empty() && offered.batch.looks.empty()) co_return true;
    Job<Batch> job = [batch = std::move(offered.batch)](SharedStore& shared) {
        return shared.offer(batch);
    };
    auto merged = co_await call<Batch>(Way::write, std::move(job));
    if (!merged) co_return false;
    // A row saved again meanwhile is offered again, and then brings back what it lacks.
    for (std::size_t i = 0; i < offered.policies.size(); i++) {
        const auto& [entry, row] = offered.policies[i];
        if (is_shared(entry)) keep(row, from_server(std::move(merged->policies[i])).row);
    }
    for (std::size_t i = 0; i < offered.looks.size(); i++) {
        const auto& [entry, row] = offered.looks[i];
        if (is_shared(entry))
            keep(row, as_seen_here(row, from_server(std::move(merged->looks[i]))));
    }
    co_return true;
}

Policy FleetStore::to_server(store::StsRow row, WallTime forgotten_at) const {
    if (row.fetched_at != WallTime{} && row.origin.empty()) row.origin = node_;
    return {.row = translated(std::move(row), ahead_),
            .forgotten_at = translated(forgotten_at, ahead_)};
}

Look FleetStore::to_server(store::NexthopRow row, WallTime forgotten_at) const {
    return {.row = translated(std::move(row), ahead_),
            .forgotten_at = translated(forgotten_at, ahead_)};
}

Policy FleetStore::from_server(Policy policy) const {
    if (policy.row.origin == node_) policy.row.origin.clear();
    return {.row = translated(std::move(policy.row), -ahead_),
            .forgotten_at = translated(policy.forgotten_at, -ahead_)};
}

Look FleetStore::from_server(Look look) const {
    return {.row = translated(std::move(look.row), -ahead_),
            .forgotten_at = translated(look.forgotten_at, -ahead_)};
}

} // namespace postseal::fleet
