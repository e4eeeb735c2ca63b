// SPDX-License-Identifier: BSD-3-Clause
#include "service/systemd.h"

#include <fmt/format.h>

#ifdef POSTSEAL_SYSTEMD
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#endif

namespace postseal::service {

#ifdef POSTSEAL_SYSTEMD

namespace {

// FDNAME takes 255 printable ASCII characters and no colon.
std::string store_name(const std::string& address) {
    std::string name = address.substr(0, 255);
    for (char& c : name)
        if (c <= ' ' || c > '~' || c == ':') c = '_';
    return name;
}

void tell(const std::string& state) { ::sd_notify(0, state.c_str()); }

} // namespace

bool Systemd::active() const { return std::getenv("NOTIFY_SOCKET") != nullptr; }

serve::Inherited Systemd::passed(std::vector<std::string>& refused) const {
    serve::Inherited inherited(serve::Inherited::From::keeper);
    const int count = ::sd_listen_fds(1);
    for (int i = 0; i < count; i++)
        if (auto added = inherited.add(async::Fd(SD_LISTEN_FDS_START + i)); !added)
            refused.push_back(std::move(added.error()));
    return inherited;
}

std::optional<milliseconds> Systemd::watchdog() const {
    std::uint64_t limit = 0;
    if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(std::chrono::microseconds(limit));
}

void Systemd::ready(const std::string& status) const {
    tell(fmt::format("READY=1\nSTATUS={}", status));
}

void Systemd::reloading() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000));
}

void Systemd::status(const std::string& text) const { tell("STATUS=" + text); }
void Systemd::stopping() const { tell("STOPPING=1\nSTATUS=ending"); }
void Systemd::alive() const { tell("WATCHDOG=1"); }

bool Systemd::keep(const std::string& address, int fd) {
    if (!active()) return false;
    const std::string state = fmt::format("FDSTORE=1\nFDNAME={}", store_name(address));
    return ::sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1) > 0;
}

void Systemd::forget(const std::string& address) {
    tell(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", store_name(address)));
}

#else

bool Systemd::active() const { return false; }
serve::Inherited Systemd::passed(std::vector<std::string>&) const { return serve::Inherited(); }
std::optional<milliseconds> Systemd::watchdog() const { return std::nullopt; }
void Systemd::ready(const std::string&) const {}
void Systemd::reloading() const {}
void Systemd::status(const std::string&) const {}
void Systemd::stopping() const {}
void Systemd::alive() const {}
bool Systemd::keep(const std::string&, int) { return false; }
void Systemd::forget(const std::string&) {}

#endif

} // namespace postseal::service
