// store/statement.h: values into and out of a prepared statement
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <sqlite3.h>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::store {

// The octets stay the row's: bound for one step only.
inline void bind_text(sqlite3_stmt* statement, int at, std::string_view text) {
    sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
inline void bind_time(sqlite3_stmt* statement, int at, WallTime time) {
    sqlite3_bind_int64(statement, at, time.time_since_epoch().count());
}
// "Never" is 0 in the tables.
inline void bind_time(sqlite3_stmt* statement, int at, std::optional<WallTime> time) {
    bind_time(statement, at, time.value_or(WallTime{}));
}
inline void bind_value(sqlite3_stmt* statement, int at, std::string_view text) {
    bind_text(statement, at, text);
}
inline void bind_value(sqlite3_stmt* statement, int at, WallTime time) {
    bind_time(statement, at, time);
}
inline void bind_value(sqlite3_stmt* statement, int at, std::optional<WallTime> time) {
    bind_time(statement, at, time);
}
inline void bind_value(sqlite3_stmt* statement, int at, std::integral auto number) {
    sqlite3_bind_int64(statement, at, static_cast<sqlite3_int64>(number));
}
// To ?1, ?2 and so on.
template <class... Values> void bind_all(sqlite3_stmt* statement, const Values&... values) {
    int at = 0;
    (bind_value(statement, ++at, values), ...);
}

inline std::string text_at(sqlite3_stmt* statement, int column) {
    const void* octets = sqlite3_column_blob(statement, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(octets), size);
}
inline WallTime time_at(sqlite3_stmt* statement, int column) {
    return WallTime(milliseconds(sqlite3_column_int64(statement, column)));
}
inline std::optional<WallTime> time_or_never_at(sqlite3_stmt* statement, int column) {
    const WallTime time = time_at(statement, column);
    return time == WallTime{} ? std::nullopt : std::optional(time);
}

// A statement left in the middle would keep its read transaction, and the log from being emptied.
struct Reset {
    sqlite3_stmt* statement;
    explicit Reset(sqlite3_stmt* s) : statement(s) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
};

} // namespace postseal::store
