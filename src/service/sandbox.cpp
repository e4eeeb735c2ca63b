// SPDX-License-Identifier: BSD-3-Clause
#include "service/sandbox.h"

#include "dns/server_address.h"
#include "dns/system_files.h"
#include "fleet/server_location.h"
#include "serve/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace postseal::service {
namespace {

namespace fs = std::filesystem;

// Newer than the headers of Debian 12.
constexpr std::uint64_t right_truncate = 1ULL << 14U;
constexpr std::uint64_t right_ioctl_dev = 1ULL << 15U;
constexpr std::uint64_t right_connect_tcp = 1ULL << 1U;
constexpr std::uint64_t scope_abstract_sockets = 1ULL << 0U;
constexpr std::uint64_t scope_signals = 1ULL << 1U;
constexpr int rule_port = 2; // LANDLOCK_RULE_NET_PORT
struct Ruleset {             // landlock_ruleset_attr
    std::uint64_t files = 0;
    std::uint64_t net = 0;
    std::uint64_t scoped = 0;
};
struct Port { // landlock_net_port_attr
    std::uint64_t allowed;
    std::uint64_t port;
};

constexpr std::uint16_t https_port = 443;
constexpr std::uint16_t dns_port = 53;

constexpr std::uint64_t to_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t to_write = to_read | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                   right_truncate;
constexpr std::uint64_t to_make_sockets =
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
constexpr std::uint64_t for_files =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | right_truncate;

// What the C library reads when it looks up users, groups and hosts, GnuTLS and libunbound when
// they are set up anew (dns/system_files.h; where /etc/resolv.conf leads to), and all of them of
// the machine that they run on.
constexpr std::string_view systems[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/nix/store",
    "/var/lib/unbound",
    "/var/unbound",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/netconfig",
    "/run/nscd",
    "/run/resolvconf",
    "/var/lib/sss/mc",
    "/proc/self",
    "/proc/meminfo",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
};

// All that a version of the interface knows of; what is known and not granted is refused.
std::uint64_t known_rights(int version) {
    std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;
    if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rights |= right_truncate;
    if (version >= 5) rights |= right_ioctl_dev;
    return rights;
}

fs::path real_path(const fs::path& path) {
    std::error_code fault;
    fs::path found = fs::weakly_canonical(path, fault);
    return fault ? path.lexically_normal() : found;
}

// The file's folder and, if it is a symbolic link, the folder that it leads to. Of a file in the
// root folder only the file: the folder would be everything.
void add_folders_of(const std::string& file, std::vector<std::string>& out) {
    if (file.empty()) return;
    std::error_code ignored;
    const fs::path path = fs::absolute(file, ignored).lexically_normal();
    for (const fs::path& place : {path, real_path(path)}) {
        const fs::path folder = place.parent_path();
        out.push_back(folder == place.root_path() ? place.string() : folder.string());
    }
}

bool covered(const std::string& path, const std::vector<std::string>& granted) {
    const fs::path wanted = real_path(path);
    return std::ranges::any_of(granted, [&](const std::string& root) {
        const fs::path base = real_path(root);
        return std::ranges::mismatch(base, wanted).in1 == base.end();
    });
}

// Nothing: any.
std::optional<std::vector<std::uint16_t>> ports_to_connect_to(const config::Config& config) {
    if (!config.dns.unbound_conf.empty()) return std::nullopt;
    std::vector<std::uint16_t> ports{https_port, dns_port};
    for (const std::string& server : config.dns.forward)
        if (const auto parsed = dns::parse_server(server)) ports.push_back(parsed->port);
    for (const std::string& text : config.dns.stub)
        if (const auto stub = dns::parse_stub(text)) ports.push_back(stub->server.port);
    if (!config::has_shared_store(config)) return ports;
    const auto place = fleet::parse_server_location(config.store);
    if (place && place->ports.empty()) return std::nullopt;
    if (place) ports.insert(ports.end(), place->ports.begin(), place->ports.end());
    return ports;
}

bool is_abstract(const char* socket) { return socket != nullptr && *socket == '@'; }

void allow(int ruleset, const std::string& path, std::uint64_t rights) {
    const async::Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info{};
    if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return;
    if (!S_ISDIR(info.st_mode)) rights &= for_files;
    const landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = fd.get()};
    ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

std::unexpected<std::string> refused(const char* what) {
    return std::unexpected(fmt::format("{}: {}", what, std::strerror(errno)));
}

} // namespace

Access needed_access(const config::Config& config, const std::string& config_file) {
    Access access{.read = {std::begin(systems), std::end(systems)},
                  .write = config.sandbox.write,
                  .sockets = {},
                  .connect = ports_to_connect_to(config),
                  .abstract_sockets = is_abstract(std::getenv("NOTIFY_SOCKET"))};
    access.write.push_back(config.state_dir);
    access.write.emplace_back("/dev/null");
    for (const std::string& file :
         {config_file, config.overrides, config.dns.unbound_conf, config.https.ca_file})
        add_folders_of(file, access.read);
    if (config.dns.root_hints != dns::system_word)
        add_folders_of(config.dns.root_hints, access.read);
    for (const std::string& file : config.dns.trust_anchor)
        if (file != dns::system_word) add_folders_of(file, access.read);
    if (config::has_shared_store(config))
        if (const auto place = fleet::parse_server_location(config.store))
            for (const std::string& file : place->files)
                add_folders_of(file, access.read);
    for (const config::Listen& listen : config.listen)
        add_folders_of(listen.address.path, access.sockets);
    access.read.insert(access.read.end(), config.sandbox.read.begin(), config.sandbox.read.end());
    return access;
}

void add_sockets(const std::vector<std::string>& addresses, Access& access) {
    for (const std::string& address : addresses)
        if (const auto parsed = config::parse_address(address))
            add_folders_of(parsed->path, access.sockets);
}

std::optional<std::string> beyond(const Access& granted, const Access& wanted) {
    std::vector<std::string> readable = granted.read;
    readable.insert(readable.end(), granted.write.begin(), granted.write.end());
    for (const std::string& path : wanted.read)
        if (!covered(path, readable)) return path;
    for (const std::string& path : wanted.sockets)
        if (!covered(path, granted.sockets)) return path;
    if (!granted.connect) return std::nullopt;
    if (!wanted.connect) return "any TCP port";
    for (const std::uint16_t port : *wanted.connect)
        if (std::ranges::find(*granted.connect, port) == granted.connect->end())
            return fmt::format("TCP port {}", port);
    return std::nullopt;
}

std::expected<int, std::string> restrict_access(const Access& access) {
    const auto version = static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
    if (version < 1) return refused("this kernel has no Landlock");
    const std::uint64_t known = known_rights(version);
    Ruleset attributes{.files = known};
    if (version >= 4 && access.connect) attributes.net = right_connect_tcp;
    if (version >= 6)
        attributes.scoped = scope_signals | (access.abstract_sockets ? 0 : scope_abstract_sockets);
    const async::Fd ruleset(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
    if (!ruleset.valid()) return refused("landlock_create_ruleset(2)");
    for (const auto& [paths, rights] : {std::pair(&access.read, to_read),
                                        {&access.write, to_write},
                                        {&access.sockets, to_make_sockets}})
        for (const std::string& path : *paths)
            allow(ruleset.get(), path, rights & known);
    if (version >= 4 && access.connect)
        for (const std::uint16_t number : *access.connect) {
            const Port rule{.allowed = right_connect_tcp, .port = number};
            ::syscall(SYS_landlock_add_rule, ruleset.get(), rule_port, &rule, 0);
        }
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); // landlock_restrict_self(2) asks for it
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return refused("landlock_restrict_self(2)");
    return version;
}

} // namespace postseal::service
