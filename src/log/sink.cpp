// SPDX-License-Identifier: BSD-3-Clause
#include "log/sink.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <unistd.h>

namespace postseal::log {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds grace = 1s;
constexpr milliseconds look_up_every = 100ms; // at end_, which another thread sets

MonoTime mono_now() {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::steady_clock::now());
}

} // namespace

void Sink::hurry() { end_ = mono_now() + grace; }

void Sink::write(const Line& line) {
    if (line.entry.empty() || !to_journal(line.entry)) to_descriptor(line.text);
}

bool Sink::to_journal(std::string_view entry) {
    for (;;) {
        const Journal::Sent sent = journal_.send(entry);
        if (sent == Journal::Sent::yes) return true;
        if (sent == Journal::Sent::no || !writable(journal_.descriptor())) return false;
    }
}

void Sink::to_descriptor(std::string_view text) {
    while (!text.empty() && writable(fd_)) {
        const ssize_t written =
            ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written >= 0)
            text.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR && errno != EAGAIN)
            return; // nobody reads, and there is nowhere to say so
    }
}

bool Sink::writable(int fd) const {
    pollfd polled{.fd = fd, .events = POLLOUT, .revents = 0};
    while (mono_now() < end_.load())
        if (::poll(&polled, 1, static_cast<int>(look_up_every.count())) > 0) return true;
    return ::poll(&polled, 1, 0) > 0;
}

} // namespace postseal::log
