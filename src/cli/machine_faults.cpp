// SPDX-License-Identifier: BSD-3-Clause
#include "cli/machine_faults.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace postseal::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view made_by_systemd[] = {"/run/postseal", "/var/lib/postseal"};

// Below it a port needs CAP_NET_BIND_SERVICE (ip(7)).
unsigned first_free_port() {
    unsigned port = 1024;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> port;
    return port;
}

// Its fault has been found already.
bool could_not_be_read(const config::Address& address) {
    return !address.is_unix() && address.port == 0;
}

// One of them cannot be listened on while the other is. "0.0.0.0" and "::" stand for all addresses
// of their family (IPv6 sockets of ours take no IPv4).
bool overlap(const config::Address& one, const config::Address& other) {
    if (one.is_unix() != other.is_unix()) return false;
    if (one.is_unix())
        return fs::path(one.path).lexically_normal() == fs::path(other.path).lexically_normal();
    if (one.port != other.port || could_not_be_read(one)) return false;
    const auto is_v6 = [](std::string_view host) { return host.contains(':'); };
    const auto covers = [&](std::string_view host, std::string_view by) {
        const bool either_family = host == "localhost";
        if (by == "0.0.0.0") return either_family || !is_v6(host);
        if (by == "::") return either_family || is_v6(host);
        return either_family && (by == "127.0.0.1" || by == "::1");
    };
    return one.host == other.host || covers(one.host, other.host) || covers(other.host, one.host);
}

class Search {
  public:
    Search(const config::Faults& read, const std::string& file) : read_(read), file_(file) {}

    [[nodiscard]] MachineFaults take() { return std::move(found_); }

    void user(std::string_view key, std::size_t index, const std::string& name) {
        if (!name.empty() && ::getpwnam(name.c_str()) == nullptr)
            error(key, index,
                  fmt::format("there is no user \"{0}\": add it (adduser --system --group {0}), or "
                              "write another",
                              name));
    }
    void group(std::string_view key, std::size_t index, const std::string& name) {
        if (!name.empty() && ::getgrnam(name.c_str()) == nullptr)
            error(key, index,
                  fmt::format("there is no group \"{0}\": add it (addgroup --system {0}), or write "
                              "another",
                              name));
    }
    void folder(std::string_view key, std::size_t index, const std::string& path,
                const std::string& owner) {
        if (path.empty() || std::ranges::find(made_by_systemd, path) != std::end(made_by_systemd))
            return;
        struct stat status{};
        const bool there = ::stat(path.c_str(), &status) == 0;
        if (!there && errno == ENOENT)
            error(
                key, index,
                fmt::format("the folder {0} does not exist: create it (install -d -m 0750{1} {0})",
                            path, owner.empty() ? "" : fmt::format(" -o {0} -g {0}", owner)));
        else if (there && !S_ISDIR(status.st_mode))
            error(key, index, fmt::format("{} is not a folder: write the path of one", path));
    }
    void port(const config::Listen& listen, std::size_t index) {
        if (listen.address.is_unix() || could_not_be_read(listen.address)) return;
        const unsigned first_free = first_free_port();
        if (listen.address.port >= first_free) return;
        add(found_.notes, "listen.address", index,
            fmt::format(
                "port {} needs CAP_NET_BIND_SERVICE: write AmbientCapabilities="
                "CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE below "
                "[Service] of the unit (systemctl edit postseald), or take a port from {} on",
                listen.address.port, first_free));
    }
    void twice(const std::vector<config::Listen>& all, std::size_t index) {
        for (std::size_t i = 0; i < index; i++) {
            if (!overlap(all[i].address, all[index].address)) continue;
            const std::size_t line = read_.line_of("listen.address", i);
            const bool same = all[i].address == all[index].address;
            error("listen.address", index,
                  fmt::format("{} is already in use{}{}: write another address, or one [[listen]]",
                              all[index].address.text(),
                              same ? "" : ", as " + all[i].address.text(),
                              line == 0 ? "" : fmt::format(", by line {}", line)));
            return;
        }
    }

  private:
    void add(std::vector<config::Error>& to, std::string_view key, std::size_t index,
             std::string text) {
        to.push_back({file_, read_.line_of(key, index), std::string(key), std::move(text)});
    }
    void error(std::string_view key, std::size_t index, std::string text) {
        add(found_.errors, key, index, std::move(text));
    }

    const config::Faults& read_;
    const std::string& file_;
    MachineFaults found_;
};

} // namespace

MachineFaults machine_faults(const config::Faults& read, const std::string& file) {
    const config::Config& config = read.config;
    Search search(read, file);
    search.user("user", 0, config.user);
    search.folder("state_dir", 0, config.state_dir, config.user);
    for (std::size_t i = 0; i < config.listen.size(); i++) {
        const config::Listen& listen = config.listen[i];
        search.twice(config.listen, i);
        search.user("listen.owner", i, listen.owner);
        search.group("listen.group", i, listen.group);
        search.port(listen, i);
        if (listen.address.is_unix())
            search.folder("listen.address", i, fs::path(listen.address.path).parent_path(),
                          config.user);
    }
    return search.take();
}

} // namespace postseal::cli
