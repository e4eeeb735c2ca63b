// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socket_file.h"

#include "serve/folder.h"
#include "serve/local.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>

using namespace postseal;
using namespace postseal::serve;
using test::Folder;

namespace {

constexpr uid_t nobody = 65534;

config::Listen at(const std::string& path, unsigned mode) {
    return {.address = {.path = path}, .mode = mode};
}

struct stat info_of(const std::string& path) {
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
}

unsigned mode_of(const std::string& path) { return info_of(path).st_mode & 07777; }

// As somebody else, in a process of its own.
template <class F> int as_nobody(F act) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::setgid(nobody) != 0 || ::setuid(nobody) != 0 ? 99 : act());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Puts a link to the victim in the place of whatever socket appears at the path.
class Replacer {
  public:
    Replacer(std::string path, const std::string& victim)
        : path_(std::move(path)), link_(path_ + ".link"), thread_([this, victim] {
              while (!ends_) {
                  std::filesystem::remove(link_);
                  std::filesystem::create_symlink(victim, link_);
                  struct stat info{};
                  while (!ends_ && (::lstat(path_.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)))
                      ;
                  if (std::rename(link_.c_str(), path_.c_str()) == 0) replaced++;
              }
          }) {}
    Replacer(const Replacer&) = delete;
    Replacer& operator=(const Replacer&) = delete;
    ~Replacer() {
        ends_ = true;
        thread_.join();
    }
    std::atomic<int> replaced{0};

  private:
    std::string path_;
    std::string link_;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

} // namespace

TEST_CASE("a link in the place of the socket: what it leads to stays as it is") {
    const Folder folder;
    const std::string path = folder.path / "s";
    const std::string victim = folder.path / "victim";
    std::ofstream(victim) << "secret";
    REQUIRE(::chmod(victim.c_str(), 0600) == 0);
    Replacer replacer(path, victim);
    for (int i = 0; i < 3000 && replacer.replaced < 200; i++) {
        ::unlink(path.c_str());
        auto listen = at(path, 0666);
        if (::geteuid() == 0) listen.group = "nogroup";
        // Refused, or done to the socket that was bound.
        std::ignore = listen_on(listen);
        REQUIRE(mode_of(victim) == 0600);
        REQUIRE(info_of(victim).st_gid == ::getegid());
    }
    CHECK(replacer.replaced > 0);
}

TEST_CASE("owner, group and mode are set on the descriptor, and put back") {
    const Folder folder;
    const std::string path = folder.path / "s";
    const auto fds = listen_on(at(path, 0640));
    REQUIRE(fds.has_value());
    const auto file = SocketFile::open(fds->front().get(), path);
    REQUIRE(file.has_value());
    auto wanted = at(path, 0606);
    if (::geteuid() == 0) wanted.group = "nogroup";
    REQUIRE(file->set_owner(wanted).has_value());
    CHECK(mode_of(path) == 0606);
    if (::geteuid() == 0) CHECK(info_of(path).st_gid != ::getegid());
    file->restore();
    CHECK(mode_of(path) == 0640);
    CHECK(info_of(path).st_gid == ::getegid());
}

TEST_CASE("what is not a socket any more is not touched") {
    if (::geteuid() != 0) return;
    const Folder folder;
    REQUIRE(::chown(folder.path.c_str(), nobody, nobody) == 0);
    CHECK(as_nobody([&] {
              const std::string path = folder.path / "s";
              const auto fds = listen_on(at(path, 0640));
              if (!fds) return 1;
              ::unlink(path.c_str());
              std::ofstream(path) << "data";
              ::chmod(path.c_str(), 0600);
              const auto file = SocketFile::open(fds->front().get(), path);
              return file || mode_of(path) != 0600 ? 2 : 0;
          }) == 0);
}

TEST_CASE("a socket that may not be connected to is not stale") {
    if (::geteuid() != 0) return;
    const Folder folder;
    const std::string path = folder.path / "s";
    const auto live = listen_on(at(path, 0600));
    REQUIRE(live.has_value());
    REQUIRE(::chown(folder.path.c_str(), nobody, nobody) == 0);
    CHECK(as_nobody([&] {
              const auto fds = listen_on(at(path, 0600));
              return !fds && fds.error().contains("Permission denied; remove the file") ? 0 : 1;
          }) == 0);
    CHECK(test::Local::connect_to(path).valid());
}

TEST_CASE("a datagram socket in use is not stale either") {
    const Folder folder;
    const std::string path = folder.path / "s";
    const Fd live(::socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un address{.sun_family = AF_UNIX};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(live.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const auto fds = listen_on(at(path, 0600));
    REQUIRE_FALSE(fds.has_value());
    CHECK(S_ISSOCK(info_of(path).st_mode));
}

TEST_CASE("a folder that everybody may write to is refused, but for a sticky one") {
    const Folder folder;
    const std::string path = folder.path / "s";
    REQUIRE(::chmod(folder.path.c_str(), 0777) == 0);
    const auto refused = listen_on(at(path, 0600));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().find("chmod o-w " + folder.path.string()) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path));
    REQUIRE(::chmod(folder.path.c_str(), 01777) == 0);
    CHECK(listen_on(at(path, 0600)).has_value());
}
