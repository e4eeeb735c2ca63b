// store/archive.h: what is stored, to be read only: history, lists, counts
//
//   auto changes = co_await archive.ask(store::latest_history, HistoryRow::Kind::verdict, 12);
//
// The functions that can be asked are in store/queries.h. An answer shows what has been written, so
// Store::flush() comes before a question about what was saved just now. What could not be read is
// missing in it, and Store::status() says so.
// Thread: the loop's; the work is done elsewhere.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "store/db_error.h"
#include "store/queries.h"

#include <functional>
#include <memory>
#include <utility>

namespace postseal::store {

class Connection;

class Archive {
  public:
    Archive() = default;
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;
    virtual ~Archive() = default;

    template <class T, class... Parameters, class... Arguments>
    [[nodiscard]] async::Task<T> ask(DbResult<T> (*query)(Connection&, Parameters...),
                                     Arguments... arguments) {
        auto answer = std::make_shared<T>();
        return answered(answer,
                        [query, answer, ... arguments = std::move(arguments)](
                            Connection& connection) -> DbResult<> {
                            auto got = query(connection, arguments...);
                            if (!got) return std::unexpected(std::move(got.error()));
                            *answer = *std::move(got);
                            return {};
                        });
    }

  protected:
    using Job = std::function<DbResult<>(Connection&)>;
    // Calls `job`, once more if that may help; a fault is noted.
    virtual async::Task<> run(Job job) = 0;

  private:
    template <class T> async::Task<T> answered(std::shared_ptr<T> answer, Job job) {
        co_await run(std::move(job));
        co_return std::move(*answer);
    }
};

} // namespace postseal::store
