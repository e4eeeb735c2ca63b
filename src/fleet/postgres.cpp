// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres.h"

#include "fleet/place.h"
#include "postseal/base/text.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace postseal::fleet {
namespace {

constexpr std::size_t longest_text = 300;

// The server's clause, without its "FATAL: " and its next lines.
std::string first_line(const char* message) {
    std::string_view text = message == nullptr ? "" : message;
    text = text.substr(0, text.find('\n'));
    return printable(text, longest_text);
}

Fault fault_of(std::string_view state) {
    if (state == "57014") return Fault::slow; // its own statement_timeout
    if (state == "25006") return Fault::read_only;
    if (state == "40001" || state == "40P01" || state == "55P03") return Fault::conflict;
    if (state == "42P01" || state == "42703" || state == "3F000") return Fault::schema;
    if (state.starts_with("57P") || state.starts_with("08")) return Fault::unreachable;
    return Fault::refused;
}

} // namespace

std::string_view to_string(Fault fault) {
    switch (fault) {
    case Fault::unreachable:
        return "shared-unreachable";
    case Fault::slow:
        return "shared-slow";
    case Fault::read_only:
        return "shared-read-only";
    case Fault::conflict:
        return "shared-conflict";
    case Fault::refused:
        return "shared-refused";
    case Fault::schema:
        return "shared-schema";
    }
    return "";
}

Rows::Rows(pg_result* result) : result_(result) {}
void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }
int Rows::size() const { return PQntuples(result_.get()); }

std::string Rows::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::string Rows::octets(int row, int column) const {
    std::size_t size = 0;
    const auto* text =
        reinterpret_cast<const unsigned char*>(PQgetvalue(result_.get(), row, column));
    const std::unique_ptr<unsigned char, decltype(&PQfreemem)> octets(PQunescapeBytea(text, &size),
                                                                      PQfreemem);
    return octets ? std::string(reinterpret_cast<const char*>(octets.get()), size) : std::string();
}

std::int64_t Rows::number(int row, int column) const {
    const std::string digits = text(row, column);
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

WallTime Rows::time(int row, int column) const {
    return WallTime(milliseconds(number(row, column)));
}

bool Rows::flag(int row, int column) const { return text(row, column).starts_with('t'); }

Postgres::Postgres(std::string uri, Limits limits, const Interrupt& interrupt)
    : uri_(std::move(uri)), passwords_(passwords_of(uri_)), limits_(limits), interrupt_(interrupt) {
}

void Postgres::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

std::string Postgres::without_password(std::string text) const {
    for (const std::string& password : passwords_)
        for (auto at = text.find(password); at != std::string::npos; at = text.find(password, at))
            text.replace(at, password.size(), "***");
    return text;
}

std::unexpected<Error> Postgres::broken(Fault fault) {
    std::string text = connection_ ? first_line(PQerrorMessage(connection_.get())) : std::string();
    if (fault == Fault::slow)
        text = fmt::format("no answer within {} s", limits_.answer.count() / 1000);
    else if (text.empty())
        text = "the connection broke";
    connection_.reset();
    return std::unexpected(Error{fault, without_password(std::move(text))});
}

std::unexpected<Error> Postgres::failed(const pg_result* result) {
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return broken(Fault::unreachable);
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const Fault fault = fault_of(state == nullptr ? "" : state);
    Error error{fault, without_password(first_line(PQresultErrorMessage(result)))};
    if (fault == Fault::unreachable) connection_.reset();
    return std::unexpected(std::move(error));
}

Result<> Postgres::await_socket(short events, Deadline deadline) {
    for (;;) {
        const auto left =
            std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return broken(Fault::slow);
        std::array<pollfd, 2> fds{
            {{PQsocket(connection_.get()), events, 0}, {interrupt_.descriptor(), POLLIN, 0}}};
        const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0 || fds[1].revents != 0) return broken(Fault::unreachable);
        if (fds[0].revents != 0) return {};
    }
}

// The operator's URI comes after our own defaults, and wins.
Result<> Postgres::connect() {
    const Deadline deadline = std::chrono::steady_clock::now() + limits_.connect;
    constexpr std::array keywords{"fallback_application_name", "keepalives_idle",
                                  "keepalives_interval",       "keepalives_count",
                                  "tcp_user_timeout",          "dbname",
                                  "client_encoding",           static_cast<const char*>(nullptr)};
    const std::array values{"postseal", "10",         "5",    "3",
                            "5000",     uri_.c_str(), "UTF8", static_cast<const char*>(nullptr)};
    connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
    if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD)
        return broken(Fault::unreachable);
    for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;
         next = PQconnectPoll(connection_.get())) {
        if (next == PGRES_POLLING_FAILED) return broken(Fault::unreachable);
        const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (auto ready = await_socket(events, deadline); !ready) return ready;
    }
    PQsetnonblocking(connection_.get(), 1);
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
    // The server gives up when we do: what it still did would be of no use.
    auto set = run(fmt::format("SET statement_timeout = {}", limits_.answer.count()));
    if (!set) return std::unexpected(std::move(set.error()));
    return {};
}

Result<> Postgres::send_all(Deadline deadline) {
    for (;;) {
        const int left = PQflush(connection_.get());
        if (left == 0) return {};
        if (left < 0) return broken(Fault::unreachable);
        // The server may have to be read from before it reads on.
        if (auto ready = await_socket(POLLIN | POLLOUT, deadline); !ready) return ready;
        if (PQconsumeInput(connection_.get()) == 0) return broken(Fault::unreachable);
    }
}

Result<Rows> Postgres::receive(Deadline deadline) {
    std::optional<Rows> rows;
    std::optional<std::unexpected<Error>> error;
    for (;;) {
        while (PQisBusy(connection_.get()) != 0) {
            if (auto ready = await_socket(POLLIN, deadline); !ready)
                return std::unexpected(std::move(ready.error()));
            if (PQconsumeInput(connection_.get()) == 0) return broken(Fault::unreachable);
        }
        pg_result* result = PQgetResult(connection_.get());
        if (result == nullptr) break;
        const auto status = PQresultStatus(result);
        Rows got(result);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
            rows.emplace(std::move(got));
        else if (!error)
            error = failed(result);
        if (error && !connection_) return *std::move(error);
    }
    if (error) return *std::move(error);
    if (!rows) return broken(Fault::unreachable);
    return *std::move(rows);
}

Result<Rows> Postgres::run(const std::string& sql, const Params& params) {
    if (!connection_) return std::unexpected(Error{Fault::unreachable, "not connected"});
    const Deadline deadline = std::chrono::steady_clock::now() + limits_.answer;
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    for (const Param& param : params) {
        types.push_back(static_cast<Oid>(param.type));
        values.push_back(param.value.c_str());
        lengths.push_back(static_cast<int>(param.value.size()));
        formats.push_back(param.type == Param::Type::octets ? 1 : 0);
    }
    if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(params.size()),
                          types.data(), values.data(), lengths.data(), formats.data(), 0) == 0)
        return broken(Fault::unreachable);
    if (auto sent = send_all(deadline); !sent) return std::unexpected(std::move(sent.error()));
    return receive(deadline);
}

void Postgres::give_up() {
    if (!connection_ || PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
    if (!run("ROLLBACK")) connection_.reset();
}

} // namespace postseal::fleet
