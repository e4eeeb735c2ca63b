// SPDX-License-Identifier: BSD-3-Clause
#include "dns/system_files.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::test {
namespace {

using Texts = std::vector<std::string>;
using Tags = std::vector<std::uint16_t>;

constexpr std::string_view old_key =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
constexpr std::string_view new_key =
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

dns::AnchorSet load(const Texts& configured, const std::vector<std::string_view>& places) {
    auto set = dns::load_trust_anchors(configured, places);
    REQUIRE_MESSAGE(set, set.error());
    return *std::move(set);
}

Tags tags(const dns::AnchorSet& set) {
    Tags out;
    for (const dns::TrustAnchor& anchor : set.keys)
        out.push_back(anchor.key_tag);
    return out;
}

TEST_CASE("load_trust_anchors: the first file that is there, and nothing of the others") {
    const TempFile first(". IN DS 4711 8 2 AA\n");
    const TempFile second(new_key);
    const std::string path = first.path();
    const std::string other = second.path();
    const auto set = load({"system"}, {"/nowhere/root.key", path, other});
    CHECK(tags(set) == Tags{4711});
    CHECK(set.records == Texts{". IN DS 4711 8 2 AA"});
    CHECK(set.origin == path);
    CHECK(set.files.empty());
    CHECK(set.outdated.empty());
}

TEST_CASE(
    "load_trust_anchors: what is not an anchor of the root is passed over; then compiled in") {
    const TempFile garbage("nothing\n");
    const TempFile elsewhere("example. IN DS 4711 8 2 AA\n");
    const std::string path = garbage.path();
    const std::string other = elsewhere.path();
    const auto set = load({"system"}, {path, other, "/nowhere"});
    CHECK(tags(set) == Tags{20326, 38696});
    CHECK(set.origin == "compiled in");
    CHECK(set.outdated.empty());
}

TEST_CASE("load_trust_anchors: a file from before the roll of 2026-10-11 gives way, and is named") {
    const TempFile outdated(old_key);
    const std::string path = outdated.path();
    const auto set = load({"system"}, {path});
    CHECK(tags(set) == Tags{20326, 38696});
    CHECK(set.outdated.find(path) == 0);
    CHECK(set.outdated.find("38696") != std::string::npos);
    // One that an operator names is used as it is.
    const auto named = load({path}, {});
    CHECK(tags(named) == Tags{20326});
    CHECK(named.files == Texts{path});
    CHECK(named.outdated.empty());
}

TEST_CASE("load_trust_anchors: keys that RFC 5011 does not trust yet, or any more") {
    const TempFile tracked(
        "; autotrust trust anchor file\n"
        ";;id: . 1\n"
        ".\t86400\tIN\tDNSKEY\t257 3 8 AQOeiiR0GOMYkDshWoSKz9Xz "
        ";{id = 1 (ksk), size = 2048b} ;;state=2 [  VALID  ] ;;count=0 ;;lastchange=1\n"
        ".\t86400\tIN\tDNSKEY\t257 3 8 AQOeiiR0GOMYkDshWoSKz9Xa "
        ";{id = 2 (ksk), size = 2048b} ;;state=1 [ ADDPEND ] ;;count=1 ;;lastchange=1\n"
        ".\t86400\tIN\tDNSKEY\t385 3 8 AQOeiiR0GOMYkDshWoSKz9Xb "
        ";{id = 3 (ksk), size = 2048b} ;;state=4 [ REVOKED ] ;;count=1 ;;lastchange=1\n");
    const std::string path = tracked.path();
    const auto set = load({"system"}, {path});
    CHECK(set.records == Texts{". IN DNSKEY 257 3 8 AQOeiiR0GOMYkDshWoSKz9Xz"});
    CHECK(set.keys.size() == 1);
}

TEST_CASE("load_trust_anchors: files and the word together; a file that is named must be there") {
    const TempFile own("example. IN DS 4711 8 2 AA\n");
    const TempFile systems(new_key);
    const std::string path = systems.path();
    const auto set = load({own.path(), "system"}, {path});
    CHECK(tags(set) == Tags{4711, 38696});
    CHECK(set.files == Texts{own.path()});
    CHECK_FALSE(dns::load_trust_anchors(Texts{"/nowhere/root.key"}));
    CHECK(load({}, {path}).keys.empty());
}

TEST_CASE("trust_anchor_places: where the systems of the manual page keep them") {
    const auto places = dns::trust_anchor_places();
    for (const std::string_view place :
         {"/usr/share/dns/root.key", "/usr/share/dnssec-root/trusted-key.key",
          "/etc/trusted-key.key", "/etc/unbound/root.key", "/usr/local/etc/unbound/root.key",
          "/var/lib/unbound/root.key"})
        CHECK(std::ranges::find(places, place) != places.end());
}

TEST_CASE("root_hints_file") {
    const TempFile hints("; hints\n");
    const std::string path = hints.path();
    const std::vector<std::string_view> places{"/nowhere", path};
    CHECK(dns::root_hints_file("system", places) == path);
    CHECK(dns::root_hints_file("system", {}).empty());
    CHECK(dns::root_hints_file("", places).empty());
    CHECK(dns::root_hints_file("/etc/mine", places) == "/etc/mine");
}

} // namespace
} // namespace postseal::test
