// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;

namespace {

constexpr WallTime noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 12h;

std::string find(const Overrides& overrides, const char* key, WallTime now = noon) {
    const auto found = overrides.find(Nexthop::parse(key).value(), now);
    return found ? to_string(found->says) : "-";
}

} // namespace

TEST_CASE("exact keys count before parents, near parents before far ones") {
    const auto overrides = Overrides::parse("# partners\n"
                                            "example.com     encrypt\n"
                                            ".example.com    may\n"
                                            ".b.example.com  dane-only\n"
                                            "\n"
                                            "[mx.example.com]:587\tsecure\n"
                                            "   match=mx.example.com\n"
                                            "Example.ORG.    none\r\n",
                                            "f");
    REQUIRE(overrides);
    CHECK(overrides->size() == 5);
    CHECK(find(*overrides, "example.com") == "encrypt");
    CHECK(find(*overrides, "EXAMPLE.com.") == "encrypt");
    CHECK(find(*overrides, "a.example.com") == "may");
    CHECK(find(*overrides, "a.b.example.com") == "dane-only");
    CHECK(find(*overrides, "b.example.com") == "may");
    CHECK(find(*overrides, "[mx.example.com]:587") == "secure   match=mx.example.com");
    CHECK(find(*overrides, "example.org") == "none");
    CHECK(find(*overrides, "example.net") == "-");
    CHECK(find(*overrides, "notexample.com") == "-");
    // Postfix asks for no parents of these.
    CHECK(find(*overrides, "[a.example.com]") == "-");
    CHECK(find(*overrides, "a.example.com:587") == "-");
}

TEST_CASE("comments, and entries that end") {
    const auto overrides = Overrides::parse(
        "a.example  encrypt   # until=2027-01-31 partner rebuilds\n"
        "b.example  encrypt   #until=2026-11-22T12:00Z\n"
        ".example   may # for all # of them\n"
        "c.example  secure\n   # a comment of its own\n   match=c.example # the certificate\n"
        "d.example  verify match=x#y\n",
        "f");
    REQUIRE_MESSAGE(overrides, overrides.error());
    CHECK(find(*overrides, "a.example") == "encrypt");
    const WallTime day_after = std::chrono::sys_days{std::chrono::year{2027} / 2 / 1};
    CHECK(find(*overrides, "a.example", day_after - 1ms) == "encrypt");
    CHECK(find(*overrides, "a.example", day_after) == "may"); // the parent counts again
    CHECK(find(*overrides, "b.example", noon - 1ms) == "encrypt");
    CHECK(find(*overrides, "b.example", noon) == "may");
    CHECK(find(*overrides, "c.example") == "secure   match=c.example");
    CHECK(find(*overrides, "d.example") == "verify match=x#y");

    const Overrides::Entry& a = overrides->entries().at("a.example");
    CHECK(a.comment == "partner rebuilds");
    CHECK(a.until == day_after);
    CHECK(a.line == 1);
    CHECK(overrides->entries().at(".example").comment == "for all # of them");
    CHECK(overrides->entries().at("c.example").line == 4);
}

TEST_CASE("an end counts wherever it stands in the comment, in any case") {
    const auto overrides =
        Overrides::parse("a.example may # they rebuild until=2026-11-22T12:00Z, says Ann\n"
                         "b.example may # Until=2026-11-22T12:00Z\n"
                         "c.example may # note UNTIL=2026-11-22T12:00Z it  is\n"
                         "d.example may # until further notice  untiled\n",
                         "f");
    REQUIRE_FALSE(overrides);
    CHECK(overrides.error().contains("\"until=2026-11-22T12:00Z,\" is not a day"));
    const auto good = Overrides::parse("b.example may # Until=2026-11-22T12:00Z\n"
                                       "c.example may # note UNTIL=2026-11-22T12:00Z it  is\n"
                                       "d.example may # until further notice  untiled\n",
                                       "f");
    REQUIRE_MESSAGE(good, good.error());
    for (const char* key : {"b.example", "c.example"}) {
        CHECK(find(*good, key, noon - 1ms) == "may");
        CHECK(find(*good, key, noon) == "-");
    }
    CHECK(good->entries().at("b.example").comment.empty());
    CHECK(good->entries().at("c.example").comment == "note it is");
    CHECK_FALSE(good->entries().at("d.example").until.has_value());
    CHECK(good->entries().at("d.example").comment == "until further notice  untiled");
}

TEST_CASE("by a clock that is not confirmed what does not protect ends, however it is written") {
    const auto overrides =
        Overrides::parse("a.example MAY # until=2026-11-22T11:00Z\n"
                         "b.example may\tprotocols=!SSLv2 # until=2026-11-22T11:00Z\n"
                         "c.example Encrypt # until=2026-11-22T11:00Z\n",
                         "f");
    REQUIRE_MESSAGE(overrides, overrides.error());
    const auto there = [&](const char* key) {
        return overrides->find(Nexthop::parse(key).value(), noon, false).has_value();
    };
    CHECK_FALSE(there("a.example"));
    CHECK_FALSE(there("b.example"));
    CHECK(there("c.example"));
}

TEST_CASE("an answer that follows an override is used for an hour, or to its end") {
    const auto overrides =
        Overrides::parse("a.example may # until=2026-11-22T12:30Z\nb.example may\n", "f");
    REQUIRE(overrides);
    const auto holds = [&](const char* key, WallTime now) {
        return overrides->find(Nexthop::parse(key).value(), now).value().holds(now);
    };
    CHECK(holds("a.example", noon) == 30min);
    CHECK(holds("a.example", noon - 30min) == 1h);
    CHECK(holds("b.example", noon) == 1h);
}

TEST_CASE("a catch-all counts where no other key fits, until it ends") {
    const auto overrides = Overrides::parse("* encrypt # until=2026-11-22T12:30Z middlebox\n"
                                            "a.example may\n.b.example dane\n",
                                            "f");
    REQUIRE_MESSAGE(overrides, overrides.error());
    CHECK(overrides->entries().contains("*"));
    CHECK(find(*overrides, "any.example") == "encrypt");
    CHECK(find(*overrides, "[mx.any.example]:587") == "encrypt");
    CHECK(find(*overrides, "any.example:587") == "encrypt");
    CHECK(find(*overrides, "a.example") == "may");
    CHECK(find(*overrides, "x.b.example") == "dane");
    CHECK(find(*overrides, "b.example") == "encrypt");
    CHECK(find(*overrides, "any.example", noon + 1h) == "-");
    CHECK(Overrides::parse("*\tmay\n* encrypt\n", "f").error().contains("is already there"));
    CHECK_FALSE(Overrides::parse("*.example may\n", "f").has_value());
}

TEST_CASE("addresses are keys, however they are spelled; \"*\" covers them, a parent does not") {
    const auto overrides = Overrides::parse("[192.0.2.1] encrypt\n192.0.2.2:587 may\n"
                                            "[IPv6:2001:DB8::1] secure match=mx.example\n"
                                            ".example may\n",
                                            "f");
    REQUIRE_MESSAGE(overrides, overrides.error());
    CHECK(overrides->entries().contains("[192.0.2.2]:587"));
    CHECK(overrides->entries().contains("[2001:db8::1]"));
    const auto of_address = [&](const char* key) {
        const auto found = overrides->find(Nexthop::parse_address(key).value(), noon);
        return found ? to_string(found->says) : "-";
    };
    CHECK(of_address("192.0.2.1") == "encrypt");
    CHECK(of_address("[192.0.2.1]:25") == "encrypt");
    CHECK(of_address("[192.0.2.1]:587") == "-");
    CHECK(of_address("[2001:db8:0::1]") == "secure match=mx.example");
    const AddressKeys keys = overrides->address_keys();
    CHECK_FALSE(keys.all);
    CHECK(keys.find("[IPv6:2001:db8::1]").value().key() == "[2001:db8::1]");
    CHECK_FALSE(keys.find("[192.0.2.9]"));
    CHECK_FALSE(keys.find("example"));
    const auto all = Overrides::parse("* encrypt\n", "f").value();
    CHECK(all.address_keys().find("192.0.2.9").value().key() == "[192.0.2.9]");
    CHECK(all.find(Nexthop::parse_address("[192.0.2.9]").value(), noon));
    CHECK(Overrides::parse("[::1] may\n[IPv6:::1] may\n", "f")
              .error()
              .contains("is already there, in line 1"));
}

TEST_CASE("an entry knows where it stands, and its end is said as the file says it") {
    const auto overrides = Overrides::parse("# partners\n.a.example may # until=2026-12-31 why\n"
                                            "b.example may # until=2026-12-31T12:00Z\n",
                                            "/etc/postseal/overrides");
    REQUIRE(overrides);
    const auto entry = [&](const char* key) {
        return overrides->find_entry(Nexthop::parse(key).value(), noon);
    };
    REQUIRE(entry("x.a.example") != nullptr);
    CHECK(entry("x.a.example")->first == ".a.example");
    CHECK(entry("x.a.example")->second.file == "/etc/postseal/overrides");
    CHECK(entry("x.a.example")->second.line == 2);
    CHECK(until_text(entry("x.a.example")->second.until.value()) == "2026-12-31");
    CHECK(until_text(entry("b.example")->second.until.value()) == "2026-12-31T12:00:00Z");
    CHECK(entry("c.example") == nullptr);
}

TEST_CASE("words that are no policy of Postfix") {
    const auto overrides = Overrides::parse("a.example ignore\nb.example sts-only # why\n"
                                            "c.example dane-only\nd.example sealed\n",
                                            "f");
    REQUIRE(overrides);
    using Kind = verdict::Override::Kind;
    CHECK(overrides->entries().at("a.example").says.kind == Kind::ignore);
    CHECK(overrides->entries().at("b.example").says.kind == Kind::sts_only);
    CHECK(overrides->entries().at("c.example").says.kind == Kind::policy);
    CHECK(overrides->entries().at("d.example").says.kind == Kind::sealed);
    CHECK(find(*overrides, "d.example") == "sealed");
    CHECK(find(*overrides, "b.example") == "sts-only");
}

TEST_CASE("all faults are found, the first is told with their number") {
    const std::string text = "a!b.example may\nb.example may\nc.example strong\n"
                             "d.example may # until=tomorrow\n";
    const Overrides::Reading reading = Overrides::read(text, "f");
    REQUIRE(reading.faults.size() == 3);
    CHECK(reading.faults[1].message().starts_with("f:3: \"c.example\": "));
    CHECK(reading.faults[2].message().starts_with("f:4: \"d.example\": "));
    CHECK(reading.overrides.size() == 1);
    const auto parsed = Overrides::parse(text, "f");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() ==
          reading.faults[0].message() + " (and 2 more: postseal overrides check)");
}

TEST_CASE("a fault is said with its line, and nothing of the file counts") {
    for (const auto& row : test::read_table("engine/overrides_bad.table", 4)) {
        CAPTURE(row.fields[3]);
        const auto overrides = Overrides::parse(row.fields[0], "overrides");
        REQUIRE_FALSE(overrides);
        CAPTURE(overrides.error());
        CHECK(overrides.error().starts_with("overrides:" + row.fields[1] + ": "));
        CHECK(overrides.error().find(row.fields[2]) != std::string::npos);
    }
}

TEST_CASE("no file, no overrides; a file that cannot be read is an error") {
    const auto none = Overrides::load("/nonexistent/overrides");
    REQUIRE(none);
    CHECK(none->size() == 0);
    CHECK_FALSE(Overrides::load("/"));
    const auto file = std::filesystem::temp_directory_path() / "postseal-overrides-test";
    std::ofstream(file) << "example.com may\n";
    const auto some = Overrides::load(file.string());
    std::filesystem::remove(file);
    REQUIRE(some);
    CHECK(find(*some, "example.com") == "may");
}

TEST_CASE("differences are the keys that only one has, or with another policy") {
    const auto read = [](const char* text) { return Overrides::parse(text, "f").value(); };
    const Overrides a = read("same.example may\nother.example may\n.gone.example may\n");
    const Overrides b = read("SAME.example may\nother.example none\nnew.example may\n");
    const std::vector<std::string> keys{".gone.example", "new.example", "other.example"};
    CHECK(a.differences(b) == keys);
    CHECK(b.differences(a) == keys);
    CHECK(a.differences(a).empty());
}

TEST_CASE("of two sets the one on top counts where both have the key") {
    const auto file = Overrides::parse("a.example may\n.example encrypt\n", "file").value();
    const auto shared =
        Overrides::parse("a.example none\nb.example secure match=x.example\n", "s").value();
    const Overrides both = file.over(shared);
    CHECK(find(both, "a.example") == "may");
    CHECK(find(both, "b.example") == "secure match=x.example");
    CHECK(find(both, "c.example") == "encrypt");
    CHECK(both.size() == 3);
}
