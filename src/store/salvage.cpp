// SPDX-License-Identifier: BSD-3-Clause
#include "store/salvage.h"

#include "store/statement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <limits>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace postseal::store {
namespace {

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Damaged = std::unique_ptr<sqlite3, Close>;

Statement prepare(sqlite3* db, const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) raw = nullptr;
    return Statement(raw);
}

DbResult<Damaged> open_damaged(const std::string& path) {
    sqlite3* raw = nullptr;
    const int rc = sqlite3_open_v2(without_locks(path).c_str(), &raw,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                                       SQLITE_OPEN_EXRESCODE,
                                   nullptr);
    Damaged db(raw);
    if (rc != SQLITE_OK) return db_error(raw, rc, "open", path);
    // Its log stays for whoever examines the file.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_exec(raw,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
                 "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
                 nullptr, nullptr, nullptr);
    // Of a damaged schema nothing is known. One that cannot be read now may be whole.
    const int read =
        sqlite3_exec(raw, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
    if (read == SQLITE_OK) return db;
    auto error = db_error(raw, read, "read", path);
    if (error.error().fault != DbFault::corrupt) return error;
    return db;
}

// One table's rows on their way from the damaged file into the new one.
class Rows {
  public:
    // `key`: by which the table itself is sorted.
    Rows(sqlite3* from, Connection& into, std::string_view table, std::string_view key,
         const std::atomic<bool>& stop)
        : from_(from), into_(into), table_(table), key_(key), stop_(stop) {
        const std::vector<std::string> columns = common_columns();
        if (columns.empty()) return;
        columns_ = fmt::format("{}", fmt::join(columns, ", "));
        std::string marks = "?1";
        for (std::size_t i = 2; i <= columns.size(); i++)
            marks += fmt::format(", ?{}", i);
        width_ = static_cast<int>(columns.size());
        put_ = prepare(into.handle(), fmt::format("INSERT OR IGNORE INTO {} ({}) VALUES ({})",
                                                  table_, columns_, marks));
    }

    [[nodiscard]] bool readable() const { return put_ != nullptr; }
    [[nodiscard]] const std::optional<DbError>& fault() const { return fault_; }
    [[nodiscard]] std::uint64_t saved() const { return saved_; }

    // By rowid, past what is damaged: the next row that can be read lies a power of two ahead at
    // most twice as far as the damage reaches.
    void by_rowid() {
        std::int64_t next = std::numeric_limits<std::int64_t>::min();
        while (const auto last = copy(next)) {
            if (*last == std::numeric_limits<std::int64_t>::max()) return;
            next = *last + 1;
            std::int64_t step = 1;
            while (step < max_gap && !is_readable(next + step))
                step *= 2;
            if (step >= max_gap) return;
            // Between a row that cannot be read and one that can.
            std::int64_t bad = next + step / 2;
            next += step;
            while (next - bad > 1) {
                const std::int64_t middle = bad + (next - bad) / 2;
                (is_readable(middle) ? next : bad) = middle;
            }
        }
    }

    // By a key that nobody can guess: from the first on, and from the last back.
    void from_both_ends() {
        if (!run(fmt::format("SELECT {} FROM {} ORDER BY {}", columns_, table_, key_)))
            run(fmt::format("SELECT {} FROM {} ORDER BY {} DESC", columns_, table_, descending()));
    }

  private:
    static constexpr std::int64_t max_gap = std::int64_t{1} << 40;

    // Those that both files have: the damaged one may be older.
    std::vector<std::string> common_columns() {
        const auto names = [this](sqlite3* db) {
            std::vector<std::string> all;
            const Statement info =
                prepare(db, fmt::format("SELECT name FROM pragma_table_info('{}')", table_));
            while (info && sqlite3_step(info.get()) == SQLITE_ROW)
                all.push_back(text_at(info.get(), 0));
            return all;
        };
        const std::vector<std::string> theirs = names(from_);
        const std::set<std::string> known(theirs.begin(), theirs.end());
        std::vector<std::string> common;
        for (std::string& name : names(into_.handle()))
            if (known.contains(name)) common.push_back(std::move(name));
        return common;
    }

    [[nodiscard]] std::string descending() const {
        std::string all;
        for (const char c : key_)
            all += c == ',' ? std::string(" DESC,") : std::string(1, c);
        return all;
    }

    // Whether the row at this rowid, or the next one behind it, can be read.
    bool is_readable(std::int64_t rowid) {
        const Statement one =
            prepare(from_, fmt::format("SELECT {} FROM {} WHERE rowid >= ?1 ORDER BY rowid LIMIT 1",
                                       columns_, table_));
        if (!one) return false;
        sqlite3_bind_int64(one.get(), 1, rowid);
        const int rc = sqlite3_step(one.get());
        return rc == SQLITE_ROW || rc == SQLITE_DONE;
    }

    // Copies until the end or an error; the last rowid met, or nothing at the end.
    std::optional<std::int64_t> copy(std::int64_t first) {
        const Statement all =
            prepare(from_, fmt::format("SELECT {}, rowid FROM {} WHERE rowid >= ?1 ORDER BY rowid",
                                       columns_, table_));
        if (!all) return std::nullopt;
        sqlite3_bind_int64(all.get(), 1, first);
        std::optional<std::int64_t> last;
        int rc = SQLITE_ROW;
        while ((rc = sqlite3_step(all.get())) == SQLITE_ROW) {
            if (!put(all.get())) return std::nullopt;
            last = sqlite3_column_int64(all.get(), width_);
        }
        if (rc == SQLITE_DONE) return std::nullopt;
        // Nothing at all could be read from there on: look behind it all the same.
        return last.value_or(first == std::numeric_limits<std::int64_t>::min() ? 0 : first);
    }

    // Whether the end was reached.
    bool run(const std::string& sql) {
        const Statement all = prepare(from_, sql);
        int rc = all ? SQLITE_ROW : SQLITE_ERROR;
        while (all && (rc = sqlite3_step(all.get())) == SQLITE_ROW)
            if (!put(all.get())) return true;
        return rc == SQLITE_DONE;
    }

    // False: stopped, or the new file cannot be written.
    bool put(sqlite3_stmt* row) {
        if (stop_.load()) return false;
        const Reset reset(put_.get());
        for (int i = 0; i < width_; i++)
            sqlite3_bind_value(put_.get(), i + 1, sqlite3_column_value(row, i));
        sqlite3* db = into_.handle();
        const int rc = sqlite3_step(put_.get());
        if (rc == SQLITE_DONE) {
            saved_ += static_cast<std::uint64_t>(sqlite3_changes64(db));
            return true;
        }
        // What damage has made of a row may not fit the table: this row is lost.
        if ((rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_MISMATCH) return true;
        fault_ = db_error(db, rc, "write", into_.path()).error();
        return false;
    }

    sqlite3* from_;
    Connection& into_;
    std::string table_;
    std::string key_;
    const std::atomic<bool>& stop_;
    std::string columns_;
    int width_ = 0;
    Statement put_;
    std::uint64_t saved_ = 0;
    std::optional<DbError> fault_;
};

// How many rows there were: SQLite counts in the smallest tree of the table that it has, an index
// perhaps, and that may be whole.
std::optional<std::uint64_t> count(sqlite3* from, const std::string& sql) {
    const Statement statement = prepare(from, sql);
    if (!statement || sqlite3_step(statement.get()) != SQLITE_ROW) return std::nullopt;
    if (sqlite3_column_type(statement.get(), 0) != SQLITE_INTEGER) return std::nullopt;
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
}

struct Source {
    std::string_view table;
    std::string_view key; // empty: the rowid
    Salvaged::Table Salvaged::* result;
    std::string_view counted; // what says how many there were, if the table itself cannot
};
constexpr Source sources[] = {
    {"sts", "", &Salvaged::policies, ""},
    {"nexthop", "nexthop", &Salvaged::nexthops, "SELECT sum(n) FROM census WHERE what = 'verdict'"},
    {"history", "nexthop, at, kind, before", &Salvaged::history, ""},
    {"unshared", "key", nullptr, ""},
    {"fleet", "name", nullptr, ""},
};

std::string words(const std::optional<std::uint64_t>& lost) {
    return lost ? fmt::format("{}", *lost) : std::string("an unknown number");
}

} // namespace

std::string to_words(const Salvaged& salvaged) {
    return fmt::format("{} policy domains, {} nexthops and {} rows of history were saved; lost: "
                       "{}, {} and {}",
                       salvaged.policies.saved, salvaged.nexthops.saved, salvaged.history.saved,
                       words(salvaged.policies.lost), words(salvaged.nexthops.lost),
                       words(salvaged.history.lost));
}

DbResult<Salvaged> salvage(const std::string& from, Connection& into,
                           const std::atomic<bool>& stop) {
    Salvaged salvaged;
    const auto opened = open_damaged(from);
    if (!opened) return std::unexpected(opened.error());
    sqlite3* damaged = opened->get();
    for (const Source& source : sources) {
        Rows rows(damaged, into, source.table, source.key.empty() ? "rowid" : source.key, stop);
        if (!rows.readable()) continue;
        // A transaction a table: policies are there whatever becomes of the rest.
        sqlite3_exec(into.handle(), "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
        if (source.key.empty())
            rows.by_rowid();
        else
            rows.from_both_ends();
        const int rc = sqlite3_exec(into.handle(), "COMMIT", nullptr, nullptr, nullptr);
        if (rc != SQLITE_OK) {
            auto error = db_error(into.handle(), rc, "write", into.path());
            sqlite3_exec(into.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
            return error;
        }
        if (const auto& fault = rows.fault()) return std::unexpected(*fault);
        if (source.result == nullptr) continue;
        Salvaged::Table& table = salvaged.*source.result;
        table.saved = rows.saved();
        auto were = count(damaged, fmt::format("SELECT count(*) FROM {}", source.table));
        if (!were && !source.counted.empty()) were = count(damaged, std::string(source.counted));
        if (were) table.lost = *were > table.saved ? *were - table.saved : 0;
    }
    return salvaged;
}

} // namespace postseal::store
