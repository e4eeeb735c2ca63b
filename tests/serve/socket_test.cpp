// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socket.h"

#include "serve/folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace postseal;
using namespace postseal::serve;
using test::Folder;

namespace {

config::Listen unix_listen(const std::string& path) {
    return {.address = {.path = path}, .mode = 0640};
}

} // namespace

TEST_CASE("a unix socket has the configured mode, and is taken over when nobody listens") {
    const Folder folder;
    const std::string path = folder.path / "s";
    {
        const auto first = listen_on(unix_listen(path));
        REQUIRE(first);
        struct stat info{};
        REQUIRE(::stat(path.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0640);
        const auto second = listen_on(unix_listen(path));
        REQUIRE_FALSE(second);
        CHECK(second.error().find("is another postseald running?") != std::string::npos);
    }
    CHECK(listen_on(unix_listen(path)));
}

TEST_CASE("a file that is not a socket is left alone") {
    const Folder folder;
    const std::string path = folder.path / "precious";
    std::ofstream(path) << "data";
    const auto fds = listen_on(unix_listen(path));
    REQUIRE_FALSE(fds);
    CHECK(fds.error().find("not a socket; move it away") != std::string::npos);
    CHECK(std::filesystem::file_size(path) == 4);
}

TEST_CASE("what is wrong is said in one sentence with the address") {
    const auto error = [](const config::Listen& listen) {
        const auto fds = listen_on(listen);
        return fds ? std::string() : fds.error();
    };
    CHECK(
        error(unix_listen("/nonexistent/s")) ==
        "cannot listen on unix:/nonexistent/s: No such file or directory: its folder is not there; "
        "create it");
    CHECK(error({.address = {.host = "no.such.host.invalid", .port = 1}})
              .find("inet:no.such.host.invalid:1") != std::string::npos);
    CHECK(error({.address = {.host = "192.0.2.1", .port = 8461}})
              .find("this machine does not have that address") != std::string::npos);
    const Folder folder;
    auto listen = unix_listen(folder.path / "s");
    listen.group = "no-such-group";
    CHECK(error(listen) == "listen.group: there is no group \"no-such-group\"");
    listen.owner = "no-such-user";
    CHECK(error(listen) == "listen.owner: there is no user \"no-such-user\"");
}
