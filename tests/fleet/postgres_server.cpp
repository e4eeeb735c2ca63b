// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/postgres_server.h"

#include "fleet/postgres.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace postseal::test {
namespace {

constexpr std::chrono::seconds start_limit{60};

fleet::Result<fleet::Rows> run(const std::string& uri, const std::string& statement) {
    const fleet::Interrupt interrupt;
    fleet::Postgres postgres(uri, generous, interrupt);
    if (auto connected = postgres.connect(); !connected)
        return std::unexpected(std::move(connected.error()));
    return postgres.run(statement);
}

} // namespace

PostgresServer::PostgresServer() {
    std::string folder = (std::filesystem::temp_directory_path() / "postseal-pg-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    start();
}

PostgresServer::~PostgresServer() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresServer::uri(const std::string& database) const {
    return fmt::format("postgresql:///{}?host={}&user=postseal", database, folder_);
}

void PostgresServer::start() {
    std::string program = POSTSEAL_TEST_POSTGRES;
    std::array<char*, 3> arguments{program.data(), folder_.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const std::string log = folder_ + "/server.log";
    ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0666);
    const int fault =
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (fault != 0) throw std::runtime_error("cannot run " + program);
    const auto end = std::chrono::steady_clock::now() + start_limit;
    while (!run(uri("postgres"), "SELECT 1")) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 69)
                why_not_ = "PostgreSQL is not installed";
            else
                throw std::runtime_error("the server of the tests does not start: see " + log);
            return;
        }
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("the server of the tests takes no connection: see " + log);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void PostgresServer::stop() {
    if (pid_ == 0) return;
    go_on();
    ::kill(pid_, SIGQUIT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void PostgresServer::hang() {
    // Each connection is served by a process of its own.
    const auto pids = sql(uri("postgres"), "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity"
                                           " WHERE backend_type = 'client backend'"
                                           " AND pid <> pg_backend_pid()");
    hanging_ = {pid_};
    std::istringstream words(pids);
    for (pid_t pid = 0; words >> pid;)
        hanging_.push_back(pid);
    for (const pid_t pid : hanging_)
        ::kill(pid, SIGSTOP);
}

void PostgresServer::go_on() {
    for (const pid_t pid : hanging_)
        ::kill(pid, SIGCONT);
    hanging_.clear();
}

std::string PostgresServer::new_database() {
    const std::string name = fmt::format("fleet{}", ++databases_);
    sql(uri("postgres"), "CREATE DATABASE " + name);
    return uri(name);
}

std::string PostgresServer::sql(const std::string& database_uri,
                                const std::string& statement) const {
    const auto rows = run(database_uri, statement);
    if (!rows) throw std::runtime_error(statement + ": " + rows.error().text);
    return rows->size() > 0 ? rows->text(0, 0) : std::string();
}

PostgresServer* postgres() {
    static PostgresServer server;
    if (!server.why_not()) return &server;
    MESSAGE("SHARED STORE NOT TRIED: ", *server.why_not());
    return nullptr;
}

} // namespace postseal::test
