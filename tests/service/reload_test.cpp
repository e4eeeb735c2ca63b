// SPDX-License-Identifier: BSD-3-Clause
#include "service/reload.h"

#include "service/field.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postseal;
using namespace postseal::test;
using Strings = std::vector<std::string>;
using Field = test::Reloadable;

TEST_CASE("reload: what has changed is named, and what takes a restart") {
    Field field;
    CHECK(field.reload.run().changed.empty());
    CHECK(field.listens("a"));
    field.next = field.read("[limits]\ndeadline = \"9s\"\n[log]\nlevel = \"debug\"\n");
    field.next.threads = 7;
    field.next.state_dir = "/elsewhere";
    const serve::Reloaded done = field.reload.run();
    CHECK(done.error.empty());
    CHECK(done.changed == Strings{"limits", "log"});
    CHECK(done.needs_restart == Strings{"state_dir", "threads"});
    CHECK(field.reload.config().limits.deadline == milliseconds(9000));
    // What is in force is what was there at the start.
    CHECK(field.reload.config().threads == field.first.threads);
    CHECK(field.reload.config().state_dir == field.first.state_dir);
}

TEST_CASE("reload: a fault leaves all as it was, and is known until one succeeds") {
    Field field;
    REQUIRE(field.reload.run().error.empty());
    const auto resolver = field.own_dns->now();
    // Of all that would change with it, nothing does.
    field.next = field.read("[[map]]\nname = \"other\"\n");
    field.next.listen.front().address.path = field.path("b");
    std::string says;
    SUBCASE("of the file") { field.fault = says = "f:3: no such key"; }
    SUBCASE("of the overrides") {
        field.write_file("overrides", "example.com nonsense\n");
        says = field.path("overrides") + ":1";
    }
    SUBCASE("of the CA file, with the place that a start names") {
        field.next.https.ca_file = field.path("none.pem");
        field.all_errors = {{"f", 7, "https.ca_file", "cannot be read"}};
        says = "f:7";
    }
    SUBCASE("of the trust anchor") {
        field.next.dns.trust_anchor = {field.path("none.key")};
        says = field.path("none.key");
    }
    SUBCASE("of a listener, after all else was built") {
        field.next.dns.timeout = milliseconds(1234);
        field.next.listen.front().address.path = field.path("there/is/no/such");
        says = "there/is/no/such";
    }
    const serve::Reloaded done = field.reload.run();
    CHECK_MESSAGE(done.error.contains(says), done.error);
    CHECK(done.changed.empty());
    CHECK(field.reload.error() == done.error);
    CHECK(field.reload.config() == field.first);
    CHECK(field.engine.maps().named("other") == nullptr);
    CHECK(field.own_dns->now() == resolver);
    CHECK(field.listens("a"));
    CHECK_FALSE(field.listens("b"));

    field.fault.clear();
    field.next = field.first;
    field.write_file("overrides", "");
    CHECK(field.reload.run().error.empty());
    CHECK(field.reload.error().empty());
}

TEST_CASE("reload: a resolver is replaced if its settings, or the files they name, are others") {
    Field field;
    REQUIRE(field.reload.run().error.empty());
    auto before = field.own_dns->now();
    field.next = field.read("[cache]\nmemory = \"1M\"\n");
    CHECK(field.reload.run().changed == Strings{"cache"});
    CHECK(field.own_dns->now() == before);
    field.next.dns.timeout = milliseconds(1234);
    CHECK(field.reload.run().changed == Strings{"dns"});
    CHECK(field.own_dns->now() != before);

    const std::string root = ". IN DS 20326 8 2 "
                             "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
    field.write_file("root.key", root);
    field.next.dns.trust_anchor = {field.path("root.key")};
    REQUIRE(field.reload.run().error.empty());
    before = field.own_dns->now();
    CHECK(field.reload.run().changed.empty());
    CHECK(field.own_dns->now() == before);
    field.write_file("root.key", "; as before\n" + root);
    CHECK(field.reload.run().changed == Strings{"dns"});
    CHECK(field.own_dns->now() != before);
}

TEST_CASE("reload: overrides alone, and those of a fleet below the file's") {
    Field field;
    REQUIRE(field.reload.run().error.empty());
    field.write_file("overrides", "example.com may # until=2099-01-01\n");
    field.next = field.read("[cache]\nmemory = \"1M\"\n"); // not read by it
    const serve::ReloadedOverrides done = field.reload.run_overrides();
    CHECK(done.error.empty());
    CHECK(done.count == 1);
    CHECK(done.changed.size() == 1);
    CHECK(field.engine.overrides().size() == 1);
    CHECK(field.reload.config() == field.first);

    field.reload.share("example.com encrypt # until=2099-01-01\n"
                       "example.net may # until=2099-01-01\n"
                       "example.org nonsense\n");
    CHECK(field.engine.overrides().size() == 2);
    const auto of_both = field.engine.overrides().find(Nexthop::parse("example.com").value(),
                                                       field.clock.now(), true);
    REQUIRE(of_both);
    CHECK(of_both->says.policy == "may"); // the file's
    // A reload of the file keeps the fleet's.
    field.next = field.first;
    REQUIRE(field.reload.run().error.empty());
    CHECK(field.engine.overrides().size() == 2);

    field.write_file("overrides", "example.com nonsense\n");
    CHECK_FALSE(field.reload.run_overrides().error.empty());
    CHECK(field.engine.overrides().size() == 2);
    CHECK_FALSE(field.reload.error().empty());
}
