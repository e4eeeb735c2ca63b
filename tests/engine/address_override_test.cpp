// SPDX-License-Identifier: BSD-3-Clause
#include "engine/engine.h"

#include "engine/field.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postseal;
using namespace std::chrono_literals;
using engine::Overrides;

namespace {

const std::string encrypt = "10:OK encrypt,";
const std::string not_found = "9:NOTFOUND ,";

struct Addresses : test::Field {
    using Field::Field;
    // As a server answers: nobody is asked about an address that has no override.
    std::string reply_of_address(const std::string& key) {
        const auto nexthop = engine->overrides().address_keys().find(key);
        if (!nexthop) return not_found;
        if (const auto* known = engine->find(nexthop->key())) return std::string(known->at(legacy));
        return loop.run_until_done(engine->answer(*nexthop))->replies.at(legacy);
    }
    std::shared_ptr<const engine::Answer> ask_address(const std::string& key) {
        return loop.run_until_done(engine->answer(Nexthop::parse_address(key).value()));
    }
    void override_by(const std::string& text) {
        engine->reconfigure(maps, Overrides::parse(text, "o").value(), options);
    }
};

} // namespace

TEST_CASE("an override of an address needs no lookup, and is in memory afterwards") {
    Addresses field({}, "[192.0.2.1] encrypt\n");
    CHECK(field.reply_of_address("192.0.2.1") == encrypt);
    CHECK(field.engine->find("[192.0.2.1]") != nullptr);
    CHECK(field.reply_of_address("[192.0.2.1]") == encrypt);
    CHECK(field.reply_of_address("[192.0.2.2]") == not_found);
    CHECK(field.resolver.questions().empty());
    field.loop.advance(1s);
    const auto loaded = field.loop.run_until_done(
        field.store.load(Domain::parse("example.com").value(), "[192.0.2.1]"));
    REQUIRE(loaded.nexthop);
    CHECK(loaded.nexthop->verdict == "override encrypt");
}

TEST_CASE("an override of an address ends with its day") {
    Addresses field({}, "");
    field.override_by("[192.0.2.1] encrypt # until=" + rfc3339(field.clock.now() + 600s) + "\n");
    CHECK(field.reply_of_address("[192.0.2.1]") == encrypt);
    field.loop.advance(599s);
    CHECK(field.reply_of_address("[192.0.2.1]") == encrypt);
    field.loop.advance(1s);
    CHECK(field.reply_of_address("[192.0.2.1]") == not_found);
    CHECK_FALSE(field.engine->destination("[192.0.2.1]"));
}

TEST_CASE("a word that looks something up finds nothing promised by an address") {
    Addresses field({}, "[192.0.2.1] sealed\n[192.0.2.2] ignore\n[192.0.2.3] sts-only\n");
    const auto sealed = field.ask_address("[192.0.2.1]");
    CHECK(sealed->verdict.cls == verdict::Class::tempfail);
    CHECK(sealed->verdict.cause == verdict::Cause::nothing_promised);
    CHECK(sealed->verdict.temp_reason ==
          "override sealed: 192.0.2.1 has neither DANE nor an enforced MTA-STS policy");
    for (const char* key : {"[192.0.2.2]", "[192.0.2.3]"})
        CHECK(field.reply_of_address(key) == not_found);
    CHECK(field.resolver.questions().empty());
    CHECK(field.fetcher.fetches() == 0);
}

TEST_CASE("the catch-all covers addresses, and an address of its own comes first") {
    Addresses field({}, "* may # until=2100-01-01\n[192.0.2.1]:587 encrypt\n");
    CHECK(field.reply_of_address("[192.0.2.1]:587") == encrypt);
    CHECK(field.reply_of_address("[192.0.2.1]") == "6:OK may,");
    CHECK(field.reply_of_address("[2001:db8::1]") == "6:OK may,");
}

TEST_CASE("a changed override of an address counts at once, and memory stays as it was") {
    Addresses field({}, "example.com may\n");
    CHECK(field.reply("example.com") == "6:OK may,");
    field.override_by("example.com may\n[192.0.2.1] may\n");
    CHECK(field.engine->find("example.com") != nullptr);
    CHECK(field.reply_of_address("[192.0.2.1]") == "6:OK may,");
    field.override_by("example.com may\n[192.0.2.1] encrypt\n");
    CHECK(field.reply_of_address("[192.0.2.1]") == encrypt);
    field.override_by("example.com may\n");
    CHECK(field.reply_of_address("[192.0.2.1]") == not_found);
    CHECK(field.engine->find("[192.0.2.1]") == nullptr);
    CHECK(field.engine->find("example.com") != nullptr);
}

TEST_CASE("requiretls is asked by the address alone, whatever the port") {
    Addresses field({}, "[192.0.2.1] secure match=mx.example\n");
    const std::size_t requiretls = field.maps.find("requiretls").value();
    const auto reply = [&](const char* key) {
        return field.ask_address(key)->written.at(requiretls).text;
    };
    CHECK(reply("192.0.2.1") == "opportunistic+starttls");
    field.override_by("[192.0.2.1] secure match=mx.example\n* dane-only\n");
    CHECK(reply("192.0.2.1") == "enforce");
    field.override_by("[192.0.2.1] secure match=mx.example\n* dane-only\n[192.0.2.1]:587 may\n");
    CHECK(field.engine->find("[192.0.2.1]") == nullptr);
    CHECK(reply("192.0.2.1") == "opportunistic+starttls");
}

TEST_CASE("a reader sees which addresses have an override as of one moment") {
    Addresses field({}, "[192.0.2.1] encrypt\n");
    cache::Reader reader;
    field.engine->answer_memory().readers().add(reader);
    {
        const engine::Snapshot look(field.engine->answer_memory(), reader);
        CHECK(look.address("192.0.2.1"));
        field.override_by("[192.0.2.2] encrypt\n");
        CHECK(look.address("192.0.2.1"));
        CHECK_FALSE(look.address("192.0.2.2"));
    }
    {
        const engine::Snapshot look(field.engine->answer_memory(), reader);
        CHECK_FALSE(look.address("192.0.2.1"));
        CHECK(look.address("192.0.2.2"));
    }
    field.engine->answer_memory().readers().remove(reader);
}
