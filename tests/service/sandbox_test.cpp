// SPDX-License-Identifier: BSD-3-Clause
#include "service/sandbox.h"

#include "serve/folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::service;

namespace {

// 0, or the errno.
int opening(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
}

int binding(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int fault = bound == 0 ? 0 : errno;
    ::close(fd);
    return fault;
}

int starting(const char* program) {
    ::execl(program, program, nullptr);
    return errno;
}

long landlock_version() {
    return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

// To a port of loopback on which nobody listens.
int connecting(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int fault = rc == 0 ? 0 : errno;
    ::close(fd);
    return fault;
}

constexpr sockaddr_un abstract_address{.sun_family = AF_UNIX,
                                       .sun_path = "\0postseal-sandbox-test"};

// Bound by the process that the test runs in.
int reaching_abstract() {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    const auto* address = reinterpret_cast<const sockaddr*>(&abstract_address);
    const int rc = ::connect(fd, address, sizeof abstract_address);
    const int fault = rc == 0 ? 0 : errno;
    ::close(fd);
    return fault;
}

using Attempts = std::vector<std::pair<const char*, bool>>;

// What each attempt came to behind the sandbox, in a process of its own; empty: there is none.
std::string attempts_behind(const Access& access, Attempts (*attempt)(const std::string&),
                            const std::string& folder) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        std::string said = "no Landlock";
        if (restrict_access(access)) {
            said = "wrong:";
            for (const auto& [what, good] : attempt(folder))
                if (!good) said += std::string(" ") + what;
        }
        const auto written = ::write(ends[1], said.data(), said.size());
        ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said(1000, '\0');
    const auto got = ::read(ends[0], said.data(), said.size());
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    said.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return said;
}

Attempts attempts(const std::string& folder) {
    const std::string state = folder + "/state";
    return {
        {"read-the-configuration", opening(folder + "/etc/postseal.toml", O_RDONLY) == 0},
        {"replace-it",
         ::rename((folder + "/outside/new").c_str(), (folder + "/etc/postseal.toml").c_str()) != 0},
        {"write-the-configuration", opening(folder + "/etc/postseal.toml", O_WRONLY) == EACCES},
        {"write-the-database", opening(state + "/postseal.db", O_RDWR | O_CREAT) == 0},
        {"cut-the-database", ::truncate((state + "/postseal.db").c_str(), 0) == 0},
        {"move-it-aside",
         ::rename((state + "/postseal.db").c_str(), (state + "/postseal.db.corrupt").c_str()) == 0},
        {"remove-it", ::unlink((state + "/postseal.db.corrupt").c_str()) == 0},
        {"make-a-folder", ::mkdir((state + "/folder").c_str(), 0700) != 0},
        {"bind", binding(folder + "/run/a.sock") == 0},
        {"unbind", ::unlink((folder + "/run/a.sock").c_str()) == 0},
        {"bind-elsewhere", binding(folder + "/outside/a.sock") == EACCES},
        {"a-file-beside-the-sockets", opening(folder + "/run/x", O_WRONLY | O_CREAT) == EACCES},
        {"read-outside", opening(folder + "/outside/secret", O_RDONLY) == EACCES},
        {"list-outside", opening(folder + "/outside", O_RDONLY | O_DIRECTORY) == EACCES},
        {"write-outside", opening(folder + "/outside/x", O_WRONLY | O_CREAT) == EACCES},
        {"by-a-link", opening(folder + "/etc/link", O_RDONLY) == EACCES},
        {"read-more", opening(folder + "/more/file", O_RDONLY) == 0},
        {"the-system", opening("/etc/passwd", O_RDONLY) == 0},
        {"start-a-program", starting("/bin/true") == EACCES},
    };
}

config::Config configuration(const std::string& folder) {
    config::Config config;
    config.state_dir = folder + "/state";
    config.overrides = folder + "/etc/overrides";
    config.sandbox.read = {folder + "/more"};
    config.listen = {{.address = {{}, 0, folder + "/run/a.sock"}}};
    return config;
}

void fill(const std::string& folder) {
    for (const char* name : {"etc", "state", "run", "outside", "more"})
        std::filesystem::create_directory(folder + "/" + name);
    for (const char* name : {"etc/postseal.toml", "outside/new", "outside/secret", "more/file"})
        std::ofstream(folder + "/" + name) << "text\n";
    std::filesystem::create_symlink(folder + "/outside/secret", folder + "/etc/link");
}

} // namespace

TEST_CASE("sandbox: what is needed can be opened, and nothing else") {
    const test::Folder folder;
    fill(folder.path);
    const Access access =
        needed_access(configuration(folder.path), folder.path / "etc/postseal.toml");
    const std::string said = attempts_behind(access, &attempts, folder.path);
    if (said == "no Landlock")
        MESSAGE("SANDBOX NOT TESTED: this kernel has no Landlock");
    else
        CHECK(said == "wrong:");
}

TEST_CASE("sandbox: what another configuration would need") {
    const test::Folder folder;
    fill(folder.path);
    const std::string file = folder.path / "etc/postseal.toml";
    const config::Config before = configuration(folder.path);
    const Access granted = needed_access(before, file);
    CHECK_FALSE(beyond(granted, granted));

    config::Config next = before;
    next.https.ca_file = folder.path / "etc/ca.pem";
    next.listen.push_back({.address = {{}, 0, folder.path / "run/b.sock"}});
    next.listen.push_back({.address = {"127.0.0.1", 1, {}}});
    next.dns.root_hints = "";
    CHECK_FALSE(beyond(granted, needed_access(next, file)));

    next = before;
    next.dns.trust_anchor = {folder.path / "outside/root.key"};
    CHECK(beyond(granted, needed_access(next, file)) == folder.path / "outside");
    next = before;
    next.overrides = folder.path / "etc/link"; // leads outside
    CHECK(beyond(granted, needed_access(next, file)) == folder.path / "outside");
    next = before;
    next.listen.push_back({.address = {{}, 0, folder.path / "more/a.sock"}});
    CHECK(beyond(granted, needed_access(next, file)) == folder.path / "more");
    next = before;
    next.dns.forward = {"192.0.2.1@5353"};
    CHECK(beyond(granted, needed_access(next, file)) == "TCP port 5353");
    next.dns.forward = {"192.0.2.1@53", "2001:db8::1@443", "resolv.conf"};
    CHECK_FALSE(beyond(granted, needed_access(next, file)));
    next.dns.unbound_conf = "/etc/unbound/unbound.conf"; // may forward to any port
    CHECK(beyond(granted, needed_access(next, file)) == "any TCP port");
    CHECK_FALSE(beyond(needed_access(next, file), granted));
    next = before;
    next.state_dir = folder.path / "more"; // is opened at start only
    CHECK_FALSE(beyond(granted, needed_access(next, file)));
}

TEST_CASE("sandbox: the words of [dns] are no files") {
    config::Config config;
    config.dns.forward = {"resolv.conf"};
    const Access access = needed_access(config, "/etc/postseal/postseal.toml");
    const std::string here = std::filesystem::current_path();
    CHECK(std::ranges::count(access.read, here) == 0);
    for (const char* place : {"/usr", "/etc", "/var/lib/unbound", "/run/systemd/resolve"})
        CHECK(std::ranges::count(access.read, place) == 1);
}

TEST_CASE("sandbox: of a file in the root folder only the file") {
    config::Config config;
    config.overrides = "/overrides";
    config.listen.clear();
    const Access access = needed_access(config, "/postseal.toml");
    CHECK(std::ranges::count(access.read, "/") == 0);
    CHECK(std::ranges::count(access.read, "/overrides") > 0);
    CHECK(std::ranges::count(access.read, "/postseal.toml") > 0);
}

TEST_CASE("sandbox: TCP ports that it may connect to") {
    config::Config config;
    CHECK(needed_access(config, "").connect == std::vector<std::uint16_t>{443, 53});
    config.dns.forward = {"192.0.2.1@5353", "resolv.conf"};
    config.dns.stub = {"example.=192.0.2.1@54"};
    config.store = "postgresql://a:1,b:2/mail";
    CHECK(needed_access(config, "").connect == std::vector<std::uint16_t>{443, 53, 5353, 54, 1, 2});
    config.store = "postgresql:///mail?service=relay";
    CHECK_FALSE(needed_access(config, "").connect);
}

TEST_CASE("sandbox: other ports, abstract sockets and processes are out of reach") {
    const int others = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    REQUIRE(::bind(others, reinterpret_cast<const sockaddr*>(&abstract_address),
                   sizeof abstract_address) == 0);
    const std::string said = attempts_behind(
        Access{.read = {"/"}, .connect = std::vector<std::uint16_t>{53}},
        [](const std::string&) -> Attempts {
            return {{"allowed-port", connecting(53) == ECONNREFUSED},
                    {"other-port", connecting(54) == EACCES || landlock_version() < 4},
                    {"abstract-socket", reaching_abstract() == EPERM || landlock_version() < 6},
                    {"signal",
                     (::kill(::getppid(), 0) != 0 && errno == EPERM) || landlock_version() < 6}};
        },
        "");
    ::close(others);
    if (said == "no Landlock")
        MESSAGE("SANDBOX NOT TESTED: this kernel has no Landlock");
    else
        CHECK(said == "wrong:");
}

TEST_CASE("sandbox: the sockets of a predecessor") {
    Access access;
    add_sockets({"inet:127.0.0.1:1", "unix:/run/old/x.sock"}, access);
    CHECK(std::ranges::count(access.sockets, "/run/old") > 0);
    CHECK(access.read.empty());
}
