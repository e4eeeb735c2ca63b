// fleet/postgres.h: one connection to a PostgreSQL server (libpq), with limits of its own
//
// Blocks, so it belongs to a thread of its own; but never for longer than its limits, also where
// the server has stopped without a word, and no longer than until Interrupt::raise(). (Only the
// look-up of the server's name is the C library's, with its time-outs.) After a fault that leaves
// the connection in doubt it is closed: is_open() says so, and connect() anew is the fix. So it is
// where a server takes no writes any more: another may.
// Several hosts in the URI, or several addresses of one: each has the limit of connecting, or the
// URI's connect_timeout, to itself. Whatever ends a connection, or an attempt, the next attempt
// begins with the next host.
// What the server sends is somebody else's: text loses its control characters, and an answer that
// is too large is not read completely.
// No settings of a session are made where a pooler is between (its backend's number is another than
// that of the connection): the session would be somebody else's next. What is sent is always a
// parameter, never part of the SQL. Errors never contain a password.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/server_location.h"
#include "postseal/base/time.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace postseal::fleet {

enum class Fault {
    unreachable, // no connection, or it broke
    slow,        // no answer within the limit
    read_only,   // it takes no writes now
    conflict,    // another transaction was in the way: once more helps
    refused,     // it does not do what was asked: permission, no such table
    schema,      // not made by `postseal store init`, or another version's
    full,        // its disk, memory or connections are used up, or its disk fails
    too_large,   // an answer of more than Limits::answer_octets; the connection is closed
};
inline constexpr std::size_t faults = 8;
[[nodiscard]] std::string_view to_string(Fault fault);

struct Error {
    Fault fault = Fault::unreachable;
    std::string text; // a clause for an operator
};
template <class T = void> using Result = std::expected<T, Error>;

// Whether this libpq can refuse a server that asks for the password in the clear (16 and later).
[[nodiscard]] bool knows_require_auth();

// Ends what waits in Postgres on another thread, for good.
class Interrupt {
  public:
    Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    ~Interrupt();
    void raise();
    [[nodiscard]] int descriptor() const { return fd_; }

  private:
    int fd_;
};

struct Param {
    enum class Type : unsigned { boolean = 16, octets = 17, number = 20, text = 25, texts = 1009 };
    Type type = Type::text;
    std::string value;

    [[nodiscard]] static Param of(std::string_view text);
    [[nodiscard]] static Param of(std::int64_t number);
    [[nodiscard]] static Param of(WallTime time);                // milliseconds since 1970
    [[nodiscard]] static Param of(std::optional<WallTime> time); // never: 0
    [[nodiscard]] static Param flag(bool value);
    [[nodiscard]] static Param octets(std::string_view value);
    [[nodiscard]] static Param list(const std::vector<std::string>& texts);
};
using Params = std::vector<Param>;

class Rows {
  public:
    explicit Rows(pg_result* result);
    [[nodiscard]] int size() const;
    [[nodiscard]] std::size_t total_octets() const; // of all values
    // Octets on the wire; bytea has two for each of its own, and two more.
    [[nodiscard]] std::size_t length(int row, int column) const;
    // Without control characters, which a terminal or a file might obey.
    [[nodiscard]] std::string text(int row, int column) const;
    [[nodiscard]] std::string octets(int row, int column) const;
    [[nodiscard]] std::int64_t number(int row, int column) const;
    // From 1970 to 9999.
    [[nodiscard]] WallTime time(int row, int column) const;
    // Of one written by Param::of(std::optional<WallTime>).
    [[nodiscard]] std::optional<WallTime> time_or_never(int row, int column) const;
    [[nodiscard]] bool flag(int row, int column) const;

  private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

struct Limits {
    milliseconds connect{3000}; // to each host
    milliseconds answer{3000};
    std::size_t answer_octets = std::size_t{32} << 20;
};

class Postgres {
  public:
    Postgres(std::string uri, Limits limits, const Interrupt& interrupt);
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;
    ~Postgres() = default;

    // Each host is tried once. Error: what all of them said.
    [[nodiscard]] Result<> connect();
    [[nodiscard]] bool is_open() const { return connection_ != nullptr; }
    // One statement.
    [[nodiscard]] Result<Rows> run(const std::string& sql, const Params& params = {});
    [[nodiscard]] bool in_transaction() const;
    // The transaction that a fault left open, if there is one, is given up.
    void give_up();

  private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    using Deadline = std::chrono::steady_clock::time_point;
    [[nodiscard]] Result<> connect_to(const ServerHost& host);
    [[nodiscard]] Result<> set_up_session();
    void leave();
    [[nodiscard]] Result<> await_socket(short events, Deadline deadline);
    [[nodiscard]] Result<> send_all(Deadline deadline);
    [[nodiscard]] Result<Rows> receive(Deadline deadline);
    std::unexpected<Error> refuse_answer();
    [[nodiscard]] Result<> take_input();
    [[nodiscard]] std::unexpected<Error> broken(Fault fault);
    [[nodiscard]] std::unexpected<Error> failed(const pg_result* result);
    [[nodiscard]] std::string without_password(std::string text) const;

    std::string uri_;
    std::vector<std::string> passwords_;
    ConnectOptions options_;
    std::size_t next_host_ = 0;
    Limits limits_;
    milliseconds limit_now_{0}; // of what is waited for
    std::size_t received_ = 0;  // octets of this answer, about
    const Interrupt& interrupt_;
    std::unique_ptr<pg_conn, Finish> connection_;
};

} // namespace postseal::fleet
