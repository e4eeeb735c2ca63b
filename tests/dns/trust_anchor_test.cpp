// SPDX-License-Identifier: BSD-3-Clause
#include "dns/trust_anchor.h"
#include "support/table.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace postseal::test {
namespace {

using dns::TrustAnchor;

TEST_CASE("parse_trust_anchors: table") {
    for (const Row& row : read_table("dns/trust_anchor.table", 3)) {
        CAPTURE(row.line);
        const auto anchors = dns::parse_trust_anchors(row.fields[0], "F");
        std::string got = anchors ? "" : "! " + anchors.error();
        if (anchors)
            for (const TrustAnchor& anchor : *anchors)
                got += fmt::format("{}{} {}", got.empty() ? "" : ", ",
                                   anchor.owner.empty() ? "." : anchor.owner, anchor.key_tag);
        CHECK(got == row.fields[1]);
    }
}

TEST_CASE("key_tag: RFC 4034 section 5.4's example") {
    // dskey.example.com. DNSKEY 256 3 5, key id 60485
    const TempFile file("dskey.example.com. 86400 IN DNSKEY 256 3 5 ( AQOeiiR0GOMYkDshWoSKz9Xz\n"
                        "  fwJr1AYtsmx3TGkJaNXVbfi/\n"
                        "  2pHm822aJ5iI9BMzNXxeYCmZ\n"
                        "  DRD99WYwYqUSdjMmmAphXdvx\n"
                        "  egXd/M5+X7OrzKBaMbCVdFLU\n"
                        "  Uh6DhweJBjEVv5f2wwjM9Xzc\n"
                        "  nOf+EPbtG9DMBmADjFDc2w/r\n"
                        "  ljwvFw==\n"
                        "  ) ; key id = 60485\n");
    CHECK(dns::read_trust_anchors(file.path()) ==
          std::vector<TrustAnchor>{{"dskey.example.com", 60485}});
}

TEST_CASE("root_anchor_warning: the root without its key of 2024") {
    using Anchors = std::vector<TrustAnchor>;
    CHECK(dns::root_anchor_warning(Anchors{}));
    CHECK(dns::root_anchor_warning(Anchors{{"", 20326}}));
    CHECK(dns::root_anchor_warning(Anchors{{"", 20326}, {"example", 38696}}));
    CHECK_FALSE(dns::root_anchor_warning(Anchors{{"", 20326}, {"", 38696}}));
    CHECK_FALSE(dns::root_anchor_warning(Anchors{{"", 38696}}));
    CHECK_FALSE(dns::root_anchor_warning(Anchors{{"example", 1}}));
    CHECK_FALSE(dns::root_anchor_warning(Anchors{{"", 4711}})); // a root of one's own
}

} // namespace
} // namespace postseal::test
