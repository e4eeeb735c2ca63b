// SPDX-License-Identifier: BSD-3-Clause
#include "service/status.h"

#include "service/field.h"

#include <doctest/doctest.h>

#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

struct Field : Reloadable {
    Field() { REQUIRE(reload.run().error.empty()); }
    [[nodiscard]] serve::PartHealth part(std::string_view name) const {
        for (const serve::PartHealth& one : status.health(watchdog))
            if (one.part == name) return one;
        FAIL("there is no part " << name);
        return {};
    }

    service::Watchdog watchdog{loop, log, 10s, {}, [] {}};
    service::Status status{{.engine = engine,
                            .own_dns = *own_dns,
                            .listeners = listeners,
                            .store = store,
                            .reload = reload}};
};

} // namespace

TEST_CASE("status: the line counts, and says what is wrong until it is right again") {
    Field field;
    CHECK(field.status.line() == "1 listener, 0 domains in memory");
    field.fault = "f:3: no such key\nin two lines";
    CHECK_FALSE(field.reload.run().error.empty());
    CHECK(field.status.line() ==
          "1 listener, 0 domains in memory; reload failed: f:3: no such key?in two lines");
    CHECK(field.part("configuration").trouble == field.fault);
    field.fault.clear();
    CHECK(field.reload.run().error.empty());
    CHECK(field.status.line() == "1 listener, 0 domains in memory");
    CHECK(field.part("configuration").trouble.empty());
}

TEST_CASE("status: every part, each healthy until something says otherwise") {
    Field field;
    for (const serve::PartHealth& part : field.status.health(field.watchdog))
        if (part.part != "trust-anchor") // which is this machine's
            CHECK_MESSAGE(part.trouble.empty(), part.part);
    for (const char* name :
         {"configuration", "resolver", "worker", "threads", "trust-anchor", "validation", "clock"})
        CHECK(field.part(name).part == name);
    // A clock that nobody has confirmed is worth knowing, and no trouble.
    CHECK(field.part("clock").note.empty() == field.engine.clock_watch().confirmed());
}
