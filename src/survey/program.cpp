// SPDX-License-Identifier: BSD-3-Clause
#include "survey/program.h"

#include "postseal/base/text.h"
#include "serve/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

namespace postseal::survey {
namespace {

using async::Fd;
using Clock = std::chrono::steady_clock;

struct Pipe {
    Fd read;
    Fd write;
};

std::expected<Pipe, std::string> make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        return std::unexpected(fmt::format("no pipe: {}", std::strerror(errno)));
    return Pipe{Fd(fds[0]), Fd(fds[1])};
}

// Error: of posix_spawn(3).
std::expected<pid_t, int> spawn(const std::vector<std::string>& command, int out, int err) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const std::string& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    pid_t pid = 0;
    const int fault = ::posix_spawnp(&pid, words.front(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (fault != 0) return std::unexpected(fault);
    return pid;
}

// False: the other end is closed.
bool read_some(int fd, std::string& text) {
    char buffer[16384];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
}

// False: not all of it came in time.
bool read_both(Pipe& out, Pipe& err, std::string& said, std::string& complained,
               Clock::time_point end) {
    pollfd waiting[2] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
    std::string* texts[2] = {&said, &complained};
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
        if (left <= 0) return false;
        if (::poll(waiting, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
        for (int i = 0; i < 2; i++)
            if (waiting[i].fd >= 0 && waiting[i].revents != 0 &&
                !read_some(waiting[i].fd, *texts[i]))
                waiting[i].fd = -1;
    }
    return true;
}

std::string last_line(std::string_view text) {
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    const auto begin = text.rfind('\n');
    return printable(begin == std::string_view::npos ? text : text.substr(begin + 1), 300);
}

struct Ended {
    std::string said;
    std::string complained;
    int status = 0; // of waitpid(2)
};

// Errors: it could not be run, or did not end.
std::expected<Ended, std::string> run(const std::vector<std::string>& command, milliseconds limit) {
    auto out = make_pipe();
    if (!out) return std::unexpected(std::move(out.error()));
    auto err = make_pipe();
    if (!err) return std::unexpected(std::move(err.error()));
    const auto pid = spawn(command, out->write.get(), err->write.get());
    if (!pid)
        return std::unexpected(
            fmt::format("cannot run {}: {}", command.front(), std::strerror(pid.error())));
    out->write.close();
    err->write.close();
    Ended ended;
    const bool in_time = read_both(*out, *err, ended.said, ended.complained, Clock::now() + limit);
    if (!in_time) ::kill(*pid, SIGKILL);
    while (::waitpid(*pid, &ended.status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return std::unexpected(
            fmt::format("{} does not end within {} s", command.front(), limit.count() / 1000));
    return ended;
}

} // namespace

std::expected<std::string, std::string> output_of(const std::vector<std::string>& command,
                                                  milliseconds limit) {
    auto ended = run(command, limit);
    if (!ended) return std::unexpected(std::move(ended.error()));
    if (!WIFEXITED(ended->status) || WEXITSTATUS(ended->status) != 0)
        return std::unexpected(
            fmt::format("{} fails: {}", command.front(), last_line(ended->complained)));
    return std::move(ended->said);
}

std::expected<std::string, std::string> complaints_of(const std::vector<std::string>& command,
                                                      milliseconds limit) {
    auto ended = run(command, limit);
    if (!ended) return std::unexpected(std::move(ended.error()));
    return std::move(ended->complained);
}

} // namespace postseal::survey
