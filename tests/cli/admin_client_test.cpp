// SPDX-License-Identifier: BSD-3-Clause
#include "cli/admin_client.h"

#include "async/fd.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

namespace postseal::test {
namespace {

using namespace cli;

// What the tool makes of a daemon's reply.
std::expected<Json, ClientError> answered_by(const std::string& line) {
    const std::string path = fmt::format("/tmp/postseal-admin-client-{}", ::getpid());
    const async::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    const std::jthread daemon([&] {
        const async::Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        char question[100];
        if (::recv(client.get(), question, sizeof question, 0) > 0)
            ::send(client.get(), line.data(), line.size(), MSG_NOSIGNAL);
    });
    auto reply = ask_daemon(path, {{"command", "show"}});
    ::unlink(path.c_str());
    return reply;
}

TEST_CASE("what a daemon says cannot steer the terminal: no control characters in any text") {
    const auto reply = answered_by(
        R"({"ok":true,"a":[{"\u001b]0;x\u0007":"\u001b[2Jred\u007f","n":1}],"b":"\u009b1m",)"
        R"("c":"tab\tand\nline","d":"\u00fc\u4e2d \u009fx"})"
        "\n");
    REQUIRE(reply.has_value());
    CHECK(reply->dump() ==
          R"({"ok":true,"a":[{"?]0;x?":"?[2Jred?","n":1}],"b":"?1m","c":"tab\tand\nline",)"
          "\"d\":\"\u00fc\u4e2d ?x\"}");
    const auto refused = answered_by(R"({"ok":false,"error":"no\u001b[2J"})"
                                     "\n");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text == "no?[2J");
}

TEST_CASE("a reply whose members are of other types is a refusal without a reason") {
    for (const std::string line : {R"({"ok":"yes"})", R"({"ok":1,"error":7,"fault":[]})", "{}"}) {
        const auto reply = answered_by(line + "\n");
        REQUIRE_FALSE(reply.has_value());
        CHECK(reply.error().text == "refused without a reason");
    }
}

} // namespace
} // namespace postseal::test
