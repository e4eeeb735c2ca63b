// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as a client's stream to the admin socket, by a real connection to a real engine among
// fakes: each line gets one JSON object, whatever it says.
#define DOCTEST_CONFIG_IMPLEMENT
#include "serve/admin_server.h"
#include "serve/engine_behind.h"
#include "serve/fake_status.h"
#include "serve/fake_steering.h"

#include "fuzz/check.h"

#include <algorithm>
#include <limits>
#include <string>

namespace {

using namespace postseal;
using fuzz::check;

// The tests' own checks are used outside of their cases.
struct Outside {
    Outside() { context.setAsDefaultForAssertsOutOfTestCases(); }
    doctest::Context context;
};

struct Field : Outside, test::EngineBehind {
    Field() { serve(std::make_unique<serve::AdminServer>(engine, store, steering, daemon_status)); }
    // All that comes back until the server has closed, too.
    std::string talk(std::string_view text) {
        const async::Fd client = connect_unix();
        write(client, text);
        ::shutdown(client.get(), SHUT_WR);
        std::string got = read(client, std::numeric_limits<std::size_t>::max());
        check(got.ends_with("EOF"));
        got.resize(got.size() - 3);
        return got;
    }
    test::FakeSteering steering;
    test::FakeStatus daemon_status;
};

void check_reply(std::string_view reply) {
    const nlohmann::json object = nlohmann::json::parse(reply, nullptr, false);
    check(object.is_object() && object.contains("ok") && object["ok"].is_boolean());
    if (!object["ok"].get<bool>())
        check(object["error"].is_string() && object["fault"].is_string());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Field field;
    const auto text = fuzz::as_text(data, size);
    if (text.empty()) return 0;
    const std::string replies = field.talk(text);
    check(std::ranges::count(replies, '\n') == std::ranges::count(text, '\n'));
    for (std::size_t at = 0; at < replies.size();) {
        const std::size_t end = replies.find('\n', at);
        check(end != std::string::npos);
        check_reply(std::string_view(replies).substr(at, end - at));
        at = end + 1;
    }
    return 0;
}
