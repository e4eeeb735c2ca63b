// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres.h"

#include "postseal/base/names.h"
#include "postseal/base/text.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
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

std::string nothing_within(milliseconds limit) {
    return fmt::format("no answer within {:g} s", std::chrono::duration<double>(limit).count());
}

Fault fault_of(std::string_view state) {
    if (state == "57014") return Fault::slow; // its own statement_timeout
    if (state == "25006") return Fault::read_only;
    // 40003: it may have been done. Whatever is written here can be written again.
    if (state == "40001" || state == "40003" || state == "40P01" || state == "55P03")
        return Fault::conflict;
    if (state.starts_with("53") || state.starts_with("58")) return Fault::full;
    if (state == "42P01" || state == "42703" || state == "3F000") return Fault::schema;
    if (state.starts_with("57P") || state.starts_with("08")) return Fault::unreachable;
    return Fault::refused;
}

// A name that has several addresses is several hosts: the library would stay with the first for as
// long as that says nothing.
std::vector<ServerHost> addresses_of(const ServerHost& host) {
    if (host.host.empty() || !host.address.empty() || host.host.starts_with('/') ||
        host.host.starts_with('@'))
        return {host};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.host.c_str(), nullptr, &hints, &found) != 0) return {host};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    std::vector<ServerHost> all;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) == 0)
            all.push_back({.host = host.host, .address = text.data(), .port = host.port});
    }
    return all.empty() ? std::vector{host} : all;
}

} // namespace

bool knows_require_auth() {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconndefaults(),
                                                                               PQconninfoFree);
    if (!options) return false;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; option++)
        if (std::string_view(option->keyword) == "require_auth") return true;
    return false;
}

constexpr auto fault_names = names_for<Fault>({
    {Fault::unreachable, "shared-unreachable"},
    {Fault::slow, "shared-slow"},
    {Fault::read_only, "shared-read-only"},
    {Fault::conflict, "shared-conflict"},
    {Fault::refused, "shared-refused"},
    {Fault::schema, "shared-schema"},
    {Fault::full, "shared-full"},
    {Fault::too_large, "shared-too-large"},
});
std::string_view to_string(Fault fault) { return fault_names[fault]; }

Rows::Rows(pg_result* result) : result_(result) {}
void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }
int Rows::size() const { return PQntuples(result_.get()); }

std::size_t Rows::length(int row, int column) const {
    return static_cast<std::size_t>(PQgetlength(result_.get(), row, column));
}

std::size_t Rows::total_octets() const {
    std::size_t sum = 0;
    const int columns = PQnfields(result_.get());
    for (int row = 0; row < size(); row++)
        for (int column = 0; column < columns; column++)
            sum += length(row, column);
    return sum;
}

std::string Rows::text(int row, int column) const {
    const std::size_t size = length(row, column);
    return printable({PQgetvalue(result_.get(), row, column), size}, size);
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
    constexpr std::int64_t end_of_9999 = 253'402'300'799'999;
    return WallTime(milliseconds(std::clamp<std::int64_t>(number(row, column), 0, end_of_9999)));
}

std::optional<WallTime> Rows::time_or_never(int row, int column) const {
    const WallTime found = time(row, column);
    return found == WallTime{} ? std::nullopt : std::optional(found);
}

bool Rows::flag(int row, int column) const { return text(row, column).starts_with('t'); }

Postgres::Postgres(std::string uri, Limits limits, const Interrupt& interrupt)
    : uri_(std::move(uri)), passwords_(passwords_of(uri_)), options_(connect_options(uri_)),
      limits_(limits), interrupt_(interrupt) {
    limits_.connect = options_.connect_timeout.value_or(limits_.connect);
}

void Postgres::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

std::string Postgres::without_password(std::string text) const {
    for (const std::string& password : passwords_)
        for (auto at = text.find(password); at != std::string::npos; at = text.find(password, at))
            text.replace(at, password.size(), "***");
    return text;
}

void Postgres::leave() {
    connection_.reset();
    next_host_ = (next_host_ + 1) % options_.hosts.size();
}

std::unexpected<Error> Postgres::broken(Fault fault) {
    std::string text = connection_ ? first_line(PQerrorMessage(connection_.get())) : std::string();
    if (fault == Fault::slow)
        text = nothing_within(limit_now_);
    else if (text.empty())
        text = "the connection broke";
    leave();
    return std::unexpected(Error{fault, without_password(std::move(text))});
}

std::unexpected<Error> Postgres::failed(const pg_result* result) {
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return broken(Fault::unreachable);
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const Fault fault = fault_of(state == nullptr ? "" : state);
    std::string text = first_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    if (text.empty()) text = first_line(PQresultErrorMessage(result));
    if (fault == Fault::slow) text = fmt::format("{}: {}", nothing_within(limit_now_), text);
    Error error{fault, without_password(std::move(text))};
    if (fault == Fault::unreachable || fault == Fault::read_only) leave();
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

Result<> Postgres::connect() {
    limit_now_ = limits_.connect;
    std::string all;
    Fault fault = Fault::unreachable;
    for (std::size_t tried = 0; tried < options_.hosts.size(); tried++) {
        const std::size_t at = next_host_;
        for (const ServerHost& one : addresses_of(options_.hosts[at])) {
            next_host_ = at;
            auto connected = connect_to(one);
            if (connected) connected = set_up_session();
            if (connected) return connected;
            fault = connected.error().fault;
            const std::string& text = connected.error().text;
            const bool names_it = text.contains(one.address.empty() ? one.host : one.address);
            all += fmt::format("{}{}{}", all.empty() ? "" : "; ",
                               names_it || options_.hosts.size() == 1 ? "" : one.host + ": ", text);
        }
        next_host_ = (at + 1) % options_.hosts.size();
    }
    return std::unexpected(Error{fault, printable(all, longest_text)});
}

// The operator's URI comes after our own defaults, and wins, but for the host: one at a time.
Result<> Postgres::connect_to(const ServerHost& host) {
    const Deadline deadline = std::chrono::steady_clock::now() + limits_.connect;
    std::vector<const char*> keywords{"fallback_application_name", "keepalives_idle",
                                      "keepalives_interval", "keepalives_count",
                                      "tcp_user_timeout"};
    std::vector<const char*> values{"postseal", "10", "5", "3", "5000"};
    const auto also = [&](const char* keyword, const std::string& value) {
        if (value.empty()) return;
        keywords.push_back(keyword);
        values.push_back(value.c_str());
    };
    // Not in the clear to whoever sits between. (libpq 16 and later.)
    const std::string no_password = "!password";
    if (knows_require_auth() && !options_.verifies_server) also("require_auth", no_password);
    for (const auto& [keyword, value] : options_.others)
        also(keyword.c_str(), value);
    also("host", host.host);
    also("hostaddr", host.address);
    also("port", host.port);
    keywords.insert(keywords.end(), {"client_encoding", nullptr});
    values.insert(values.end(), {"UTF8", nullptr});
    connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
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
    return {};
}

// The server gives up when we do: what it still did would be of no use.
Result<> Postgres::set_up_session() {
    const std::int64_t limit = limits_.answer.count();
    auto set = run("SELECT set_config('statement_timeout', $1, false),"
                   " set_config('idle_in_transaction_session_timeout', $1, false),"
                   // The schema that has the tables now, whatever is made later.
                   " set_config('search_path', concat_ws(', ', quote_ident(coalesce("
                   "(SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                   " ON n.oid = c.relnamespace WHERE c.oid = to_regclass('postseal_meta')),"
                   " current_schema(), 'public')), 'pg_temp'), false)"
                   " WHERE pg_backend_pid() = $2",
                   {Param::of(fmt::format("{}", limit)),
                    Param::of(std::int64_t{PQbackendPID(connection_.get())})});
    if (set || (is_open() && set.error().fault == Fault::refused)) return {};
    return std::unexpected(std::move(set.error()));
}

Result<> Postgres::send_all(Deadline deadline) {
    for (;;) {
        const int left = PQflush(connection_.get());
        if (left == 0) return {};
        if (left < 0) return broken(Fault::unreachable);
        // The server may have to be read from before it reads on.
        if (auto ready = await_socket(POLLIN | POLLOUT, deadline); !ready) return ready;
        if (auto taken = take_input(); !taken) return taken;
    }
}

std::unexpected<Error> Postgres::refuse_answer() {
    leave();
    return std::unexpected(
        Error{Fault::too_large, fmt::format("an answer of more than {} MiB was refused",
                                            limits_.answer_octets >> 20)});
}

// What the kernel has is counted before libpq takes it, which knows no bound; what comes while it
// takes is not, so receive() counts again.
Result<> Postgres::take_input() {
    int there = 0;
    if (::ioctl(PQsocket(connection_.get()), FIONREAD, &there) == 0 && there > 0)
        received_ += static_cast<std::size_t>(there);
    if (received_ > limits_.answer_octets) return refuse_answer();
    if (PQconsumeInput(connection_.get()) == 0) return broken(Fault::unreachable);
    return {};
}

Result<Rows> Postgres::receive(Deadline deadline) {
    std::optional<Rows> rows;
    std::optional<std::unexpected<Error>> error;
    for (;;) {
        while (PQisBusy(connection_.get()) != 0) {
            if (auto ready = await_socket(POLLIN, deadline); !ready)
                return std::unexpected(std::move(ready.error()));
            if (auto taken = take_input(); !taken) return std::unexpected(std::move(taken.error()));
        }
        pg_result* result = PQgetResult(connection_.get());
        if (result == nullptr) break;
        const auto status = PQresultStatus(result);
        Rows got(result);
        if (status == PGRES_TUPLES_OK && got.total_octets() > limits_.answer_octets)
            return refuse_answer();
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
    limit_now_ = limits_.answer;
    received_ = 0;
    const Deadline deadline = std::chrono::steady_clock::now() + limit_now_;
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

bool Postgres::in_transaction() const {
    return connection_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
}

void Postgres::give_up() {
    if (!in_transaction()) return;
    if (!run("ROLLBACK")) connection_.reset();
}

} // namespace postseal::fleet
