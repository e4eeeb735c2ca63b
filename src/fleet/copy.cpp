// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/copy.h"

#include "fleet/node_id.h"
#include "fleet/viewpoint.h"
#include "store/queries.h"

#include <optional>
#include <utility>

namespace postseal::fleet {
namespace {

constexpr std::size_t rows_a_step = 200;

using Failed = std::optional<CopyError>;

// This node's, made if it has none.
std::expected<std::string, CopyError> node_of(store::DatabaseFile& own) {
    const auto state = own.fleet_state(0);
    if (state.fault) return std::unexpected(state.fault->text);
    std::string node = fact(state.value, "node");
    if (!node.empty()) return node;
    node = new_node_id();
    store::Batch batch;
    batch.fleet.put({.name = "node", .value = node});
    if (const auto fault = own.write(batch)) return std::unexpected(fault->text);
    return node;
}

// Each step copies the page behind `after`, moves that on, and leaves it where there is no more.
struct Copying {
    store::DatabaseFile& own;
    SharedStore& shared;
    const CopyClock& clock;
    Viewpoint here; // the node whose database it is
    Copied copied;

    Failed policies_out(std::string& after) {
        auto rows = own.read<std::vector<store::StsRow>>([&](store::Database& db) {
            return store::policies_after(db.connection(), after, rows_a_step);
        });
        if (rows.fault) return rows.fault->text;
        Batch batch;
        for (store::StsRow& row : rows.value) {
            after = row.domain.name();
            batch.policies.push_back(here.to_server(std::move(row)));
        }
        copied.policies += batch.policies.size();
        return offer(batch);
    }

    Failed looks_out(std::string& after) {
        auto rows = own.read<std::vector<store::NexthopRow>>([&](store::Database& db) {
            return store::nexthops_after(db.connection(), after, rows_a_step);
        });
        if (rows.fault) return rows.fault->text;
        Batch batch;
        for (store::NexthopRow& row : rows.value) {
            after = row.nexthop;
            batch.looks.push_back(here.to_server(std::move(row)));
        }
        copied.nexthops += batch.looks.size();
        return offer(batch);
    }

    Failed policies_in(std::string& after) {
        auto theirs = shared.policies_after(after, rows_a_step);
        if (!theirs) return std::move(theirs.error());
        store::Batch batch;
        for (SharedPolicy& policy : *theirs) {
            after = policy.row.domain.name();
            copied.policies++;
            const SharedPolicy held = here.from_server(std::move(policy));
            auto loaded = own.load(held.row.domain, std::string());
            if (loaded.fault) return loaded.fault->text;
            const SharedPolicy before{
                .row =
                    std::move(loaded.value.sts).value_or(store::StsRow{.domain = held.row.domain}),
                .forgotten_at = {}};
            store::StsRow merged = as_seen_here(before.row, held, clock());
            if (merged != before.row) batch.sts.put(std::move(merged));
        }
        return write(batch);
    }

    Failed looks_in(std::string& after) {
        auto theirs = shared.nexthops_after(after, rows_a_step);
        if (!theirs) return std::move(theirs.error());
        store::Batch batch;
        for (SharedNexthop& look : *theirs) {
            after = look.row.nexthop;
            const auto domain = store::policy_domain(look.row);
            if (!domain) continue;
            copied.nexthops++;
            const SharedNexthop held = here.from_server(std::move(look));
            auto loaded = own.load(*domain, held.row.nexthop);
            if (loaded.fault) return loaded.fault->text;
            const SharedNexthop before{
                .row = std::move(loaded.value.nexthop)
                           .value_or(store::NexthopRow{.nexthop = held.row.nexthop}),
                .forgotten_at = {}};
            auto merged = as_seen_here(before.row, held, clock().now);
            if (merged != before.row) batch.nexthops.put(std::move(merged));
        }
        return write(batch);
    }

    Failed offer(const Batch& batch) {
        if (batch.policies.empty() && batch.looks.empty()) return std::nullopt;
        auto offered = shared.offer(batch);
        if (!offered) return std::move(offered.error());
        copied.changed += offered->written;
        return std::nullopt;
    }

    Failed write(const store::Batch& batch) {
        if (batch.empty()) return std::nullopt;
        copied.changed += batch.size();
        if (const auto fault = own.write(batch)) return fault->text;
        return std::nullopt;
    }
};

using Step = Failed (Copying::*)(std::string&);

CopyResult copy(Copying copying, std::initializer_list<Step> steps, const CopyProgress& progress) {
    auto node = node_of(copying.own);
    if (!node) return std::unexpected(std::move(node.error()));
    copying.here.node = *std::move(node);
    if (auto checked = copying.shared.check(); !checked)
        return std::unexpected(std::move(checked.error()));
    copying.here.note_clock(copying.shared.server_now() - copying.clock().now);
    for (const Step step : steps) {
        std::string after, before;
        do {
            before = after;
            if (auto failed = (copying.*step)(after)) return std::unexpected(*std::move(failed));
            progress(copying.copied);
        } while (after != before);
    }
    return copying.copied;
}

} // namespace

CopyResult copy_to_shared(store::DatabaseFile& own, SharedStore& shared, const CopyClock& clock,
                          const CopyProgress& progress) {
    return copy({.own = own, .shared = shared, .clock = clock},
                {&Copying::policies_out, &Copying::looks_out}, progress);
}

CopyResult copy_from_shared(SharedStore& shared, store::DatabaseFile& own, const CopyClock& clock,
                            const CopyProgress& progress) {
    return copy({.own = own, .shared = shared, .clock = clock},
                {&Copying::policies_in, &Copying::looks_in}, progress);
}

} // namespace postseal::fleet
