// SPDX-License-Identifier: BSD-3-Clause
#include "store/memory.h"

#include <new>
#include <type_traits>
#include <utility>

namespace postseal::store {
namespace {

constexpr std::size_t keys_a_step = 1000;

// A database in memory fails for one reason only.
template <class T> T must(DbResult<T> result) {
    if (!result) throw std::bad_alloc();
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

} // namespace

MemoryStore::MemoryStore() : database_(must(Database::in_memory())) {}

async::Task<Loaded> MemoryStore::load(Domain policy_domain, std::string nexthop_key) {
    Loaded loaded;
    loaded.sts = must(database_->find_sts(policy_domain));
    loaded.nexthop = must(database_->find_nexthop(nexthop_key));
    co_return loaded;
}

async::Task<std::vector<RefreshDue>> MemoryStore::next_refreshes(std::size_t most) {
    co_return must(database_->next_refreshes(most));
}

void MemoryStore::save(StsRow row) {
    Batch batch;
    batch.sts.put(std::move(row));
    must(database_->write(batch));
}

void MemoryStore::save(NexthopRow row) {
    Batch batch;
    batch.nexthops.put(std::move(row));
    must(database_->write(batch));
}

void MemoryStore::save(HistoryRow row) {
    Batch batch;
    batch.history.put(std::move(row));
    must(database_->write(batch));
}

async::Task<bool> MemoryStore::prune(WallTime before) {
    co_return must(pruning_.step(database_->connection(), before, keys_a_step));
}

void MemoryStore::clock_jumped(ClockJump jump) { must(move_times(database_->connection(), jump)); }

async::Task<> MemoryStore::flush() { co_return; }

async::Task<> MemoryStore::run(Job job) {
    must(job(database_->connection()));
    co_return;
}

} // namespace postseal::store
