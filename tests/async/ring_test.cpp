// SPDX-License-Identifier: BSD-3-Clause
#include "async/ring.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>

using namespace postseal::async;

TEST_CASE("ring: first in, first out; an entry that ends or is pushed again leaves its place") {
    Ring ring;
    CHECK(ring.empty());
    Link a;
    std::optional<Link> b(std::in_place);
    Link c;
    ring.push_back(a);
    ring.push_back(*b);
    ring.push_back(c);
    ring.push_back(a);
    CHECK(&ring.first() == &*b);
    b.reset();
    CHECK(&ring.first() == &c);
    c.unlink();
    CHECK_FALSE(c.linked());
    c.unlink();
    CHECK(&ring.first() == &a);
    a.unlink();
    CHECK(ring.empty());
}

TEST_CASE("ring: takes all of another behind its own, none of an empty one") {
    std::array<Link, 4> links;
    Ring ring;
    Ring other;
    ring.take_all(other);
    CHECK(ring.empty());
    ring.push_back(links[0]);
    ring.push_back(links[1]);
    other.push_back(links[2]);
    other.push_back(links[3]);
    ring.take_all(other);
    CHECK(other.empty());
    ring.take_all(other);
    for (Link& link : links) {
        CHECK(&ring.first() == &link);
        link.unlink();
    }
    CHECK(ring.empty());
}

TEST_CASE("ring: lets go of its entries when it ends") {
    Link a;
    Link b;
    {
        Ring ring;
        ring.push_back(a);
        ring.push_back(b);
    }
    CHECK_FALSE(a.linked());
    CHECK_FALSE(b.linked());
}
