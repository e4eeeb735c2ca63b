// SPDX-License-Identifier: BSD-3-Clause
#include "service/control.h"

#include "async/block_on.h"
#include "service/field.h"

#include <doctest/doctest.h>

#include <string>

using namespace postseal;
using namespace postseal::test;

namespace {

struct Field : Reloadable {
    Field() { REQUIRE(reload.run().error.empty()); }
    void run_to_the_end() {
        loop.run();
        listeners.drop();
    }

    service::Systemd systemd;
    service::Ending ending{loop, listeners};
    service::StatusLine status_line{loop, systemd, [] { return std::string("a line"); }};
    service::Control control{{.loop = loop,
                              .log = log,
                              .systemd = systemd,
                              .reload = reload,
                              .listeners = listeners,
                              .ending = ending,
                              .status_line = status_line}};
};

} // namespace

TEST_CASE("control: a reload that is asked for is done, and says what the reload says") {
    Field field;
    field.next = field.read("[limits]\ndeadline = \"9s\"\n");
    const serve::Reloaded done = async::block_on(field.loop, field.control.reload());
    CHECK(done.error.empty());
    CHECK(done.changed == std::vector<std::string>{"limits"});
    field.fault = "f:1: no such key";
    CHECK(async::block_on(field.loop, field.control.reload()).error == field.fault);
    field.write_file("overrides", "example.com may # until=2099-01-01\n");
    CHECK(async::block_on(field.loop, field.control.reload_overrides()).count == 1);
}

TEST_CASE("control: the end closes and removes what was listened on; there is no reload after it") {
    Field field;
    CHECK(field.listens("a"));
    field.control.end();
    CHECK(field.control.reload_now().error == "the daemon is ending");
    field.run_to_the_end();
    CHECK_FALSE(field.listens("a"));
}

TEST_CASE("control: who gives way leaves the files to the successor") {
    Field field;
    const auto sockets = field.control.hand_over();
    REQUIRE(sockets.has_value());
    CHECK(sockets->size() == 1);
    field.control.give_way();
    CHECK_FALSE(field.control.reload_now().error.empty());
    field.run_to_the_end();
    CHECK(field.listens("a"));
}
