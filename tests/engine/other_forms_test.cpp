// SPDX-License-Identifier: BSD-3-Clause
#include "engine/other_forms.h"

#include "engine/field.h"

#include <doctest/doctest.h>

#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

const WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};

engine::OtherForms forms(const std::string& key, const std::string& overrides) {
    return engine::other_forms(engine::Overrides::parse(overrides, "overrides").value(),
                               Nexthop::parse(key).value(), now, true);
}

verdict::OtherForms of(const std::string& key, const std::string& overrides) {
    return forms(key, overrides).overrides;
}

engine::Overrides parsed(const std::string& overrides) {
    return engine::Overrides::parse(overrides, "overrides").value();
}

// The reply of map "requiretls" as it goes over the wire; asks memory first, as a server does.
std::string requiretls(Field& field, const std::string& key) {
    const auto variant = field.maps.variant(config::Protocol::socketmap, "requiretls").value();
    if (const auto* known = field.engine->find(key)) return std::string(known->at(variant));
    return field.ask(key)->replies.at(variant);
}

constexpr auto enforce = "10:OK enforce,";
constexpr auto opportunistic = "25:OK opportunistic+starttls,";

} // namespace

TEST_CASE("the overrides of a name's other forms") {
    const verdict::OtherForms none;
    CHECK(of("a.example", "") == none);
    CHECK(of("a.example", "a.example may\nb.example may\n[b.a.example]:587 may\n") == none);
    CHECK(of("a.example", "[a.example]:587 secure\n") == none);
    CHECK(of("a.example", "[a.example]:587 sealed\n") == none);
    for (const std::string key : {"[a.example]", "[a.example]:587", "a.example:587"})
        for (const std::string policy : {"may", "dane", "encrypt", "none", "ignore"})
            CHECK(of("a.example", key + " " + policy) ==
                  verdict::OtherForms{.unauthenticated = true});
    CHECK(of("a.example", "a.example:587 sts-only") == verdict::OtherForms{.sts_only = true});
    CHECK(of("[a.example]:587", "a.example may") == verdict::OtherForms{.unauthenticated = true});
    CHECK(of("[a.example]:587", ".example may") == verdict::OtherForms{.unauthenticated = true});
    CHECK(of("a.example", ".example may") == none); // of names without brackets and port alone
}

TEST_CASE("all forms are overridden where every nexthop is") {
    CHECK(of("a.example", "* secure") == verdict::OtherForms{.all_overridden = true});
    CHECK(of("a.example", "* may\na.example secure") ==
          verdict::OtherForms{.all_overridden = true, .unauthenticated = true});
    CHECK(of("a.example", "* dane-only\n[a.example]:24 may") ==
          verdict::OtherForms{.all_overridden = true, .unauthenticated = true});
}

TEST_CASE("what overrides say of other forms holds until the first of them ends") {
    const WallTime day = now + 24h;
    CHECK(forms("a.example", "* secure # until=2026-12-31\n[a.example] may # until=2026-11-30\n")
              .until == day);
    CHECK(of("a.example", "* secure # until=2026-11-29\n") == verdict::OtherForms{});
    CHECK_FALSE(forms("a.example", "a.example may # until=2026-11-30\n").until.has_value());
}

// A bounce: Postfix asks about [mx.example.org]:587 by the name alone.
TEST_CASE("an override for a name does not authenticate its relay") {
    Field field({}, "mx.example.org secure match=mx.example.org\n");
    CHECK(requiretls(field, "mx.example.org") == opportunistic);
}

TEST_CASE("a relay that an override lets go is not enforced by its name's policy") {
    Field field;
    field.resolver.set("zone example.org insecure 600\n"
                       "mx.example.org MX insecure 600 nodata\n"
                       "mx.example.org A insecure 600 192.0.2.2\n"
                       "_mta-sts.mx.example.org TXT insecure 600 \"v=STSv1; id=one;\"\n");
    field.fetcher.serve("mx.example.org",
                        "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n");
    CHECK(requiretls(field, "mx.example.org") == enforce);
    field.engine->reconfigure(field.maps, parsed("[mx.example.org]:587 encrypt\n"), field.options);
    CHECK(requiretls(field, "mx.example.org") == opportunistic);
    field.engine->reconfigure(field.maps, parsed(""), field.options);
    CHECK(requiretls(field, "mx.example.org") == enforce);
}

TEST_CASE("enforce for all that is overridden ends with the override") {
    Field field({}, "mx.example.org secure match=mx.example.org\n* dane-only # until=2026-11-22\n");
    CHECK(requiretls(field, "mx.example.org") == enforce);
    field.loop.advance(20h);
    CHECK(requiretls(field, "mx.example.org") == enforce);
    field.loop.advance(4h);
    CHECK(requiretls(field, "mx.example.org") == opportunistic);
}
