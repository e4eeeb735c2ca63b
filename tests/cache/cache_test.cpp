// SPDX-License-Identifier: BSD-3-Clause
#include "cache/cache.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace postseal;
using namespace postseal::cache;
using namespace std::chrono_literals;

namespace {

struct Memory : Readers, Cache {
    explicit Memory(std::size_t max_octets) : Cache(static_cast<Readers&>(*this), max_octets) {}
};

Replies replies(const std::string& text) { return {text}; }

constexpr MonoTime t0{1h};
constexpr std::size_t plenty = 1U << 20U;

} // namespace

TEST_CASE("an entry is found until it has expired") {
    Memory cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 10s}, 0);
    REQUIRE(cache.find("a", t0) != nullptr);
    CHECK(cache.find("a", t0)->at(0) == "A");
    CHECK(cache.find("a", t0 + 9999ms) != nullptr);
    CHECK(cache.find("a", t0 + 10s) == nullptr);
    CHECK(cache.find("b", t0) == nullptr);
}

TEST_CASE("a later answer takes the place of the earlier one") {
    Memory cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 10s}, 0);
    cache.put("a", replies("B"), {.until = t0 + 20s}, 0);
    CHECK(cache.size() == 1);
    CHECK(cache.find("a", t0 + 15s)->at(0) == "B");
}

TEST_CASE("failures in a row are remembered past the entry's time") {
    Memory cache(plenty);
    CHECK(cache.failures("a") == 0);
    cache.put("a", replies("A"), {.until = t0}, 3);
    CHECK(cache.find("a", t0) == nullptr);
    CHECK(cache.failures("a") == 3);
    cache.put("a", replies("A"), {.until = t0}, 0);
    CHECK(cache.failures("a") == 0);
}

TEST_CASE("the configured octets are kept to, and what is in use stays") {
    Memory cache(plenty);
    cache.put("in-use.example", replies("kept"), {.until = t0 + 1h}, 0);
    for (int i = 0; i < 40'000; i++) {
        cache.put(fmt::format("domain-with-a-long-name-{}.example", i), replies("x"),
                  {.until = t0 + 1h}, 0);
        REQUIRE(cache.find("in-use.example", t0) != nullptr);
        REQUIRE(cache.octets() <= plenty);
    }
    CHECK(cache.size() > 3000);
    CHECK(cache.size() < 10'000);
    // The latest are there, the first are not.
    CHECK(cache.find("domain-with-a-long-name-39999.example", t0) != nullptr);
    CHECK(cache.find("domain-with-a-long-name-0.example", t0) == nullptr);
}

TEST_CASE("an entry larger than the cache is the only one") {
    Memory cache(4000);
    cache.put("a", replies("A"), {.until = t0 + 1h}, 0);
    cache.put("b", replies(std::string(5000, 'x')), {.until = t0 + 1h}, 0);
    CHECK(cache.size() == 1);
    cache.put("c", replies("C"), {.until = t0 + 1h}, 0);
    CHECK(cache.find("c", t0) != nullptr);
    CHECK(cache.octets() <= 4000);
}

TEST_CASE("a domain costs at most 400 octets, and at most 1 KiB with a policy") {
    Memory cache(std::size_t{64} << 20U);
    const Replies without{"9:NOTFOUND ,", "9:NOTFOUND ,", "28:OK opportunistic+starttls,"};
    const Replies with{std::string(90, 'l'), std::string(420, 't'), "10:OK enforce,"};
    for (const auto& [written, most] :
         {std::pair{without, std::size_t{400}}, {with, std::size_t{1024}}}) {
        const std::size_t before = cache.octets();
        for (int i = 0; i < 20'000; i++)
            cache.put(fmt::format("some-usual-domain-{}-{}.example", most, i), written,
                      {.until = t0 + 1h, .due = t0 + 30min}, 0);
        CHECK((cache.octets() - before) / 20'000 <= most);
    }
}

TEST_CASE("what is due comes in order of time, each once") {
    Memory cache(plenty);
    CHECK(cache.next_due() == Cache::not_due);
    CHECK_FALSE(cache.take_due(t0));
    cache.put("b", replies("B"), {.until = t0 + 9s, .due = t0 + 2s, .asked = t0}, 0);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 1s, .asked = t0 - 5s}, 0);
    cache.put("never", replies("N"), {.until = t0 + 9s}, 0);
    cache.put("c", replies("C"), {.until = t0 + 9s, .due = t0 + 2s}, 0);
    CHECK(cache.next_due() == t0 + 1s);
    CHECK_FALSE(cache.take_due(t0));
    const auto first = cache.take_due(t0 + 2s);
    REQUIRE(first);
    CHECK(first->key == "a");
    CHECK(first->asked == t0 - 5s);
    CHECK(cache.take_due(t0 + 2s));
    CHECK(cache.take_due(t0 + 2s));
    CHECK_FALSE(cache.take_due(t0 + 1h));
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 3s}, 0);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 4s}, 0); // moved
    CHECK(cache.next_due() == t0 + 4s);
}

TEST_CASE("the last question is remembered, whatever is put") {
    Memory cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 1s, .asked = t0}, 0);
    REQUIRE(cache.find("a", t0 + 1s));
    CHECK(cache.take_due(t0 + 1s)->asked == t0 + 1s);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 2s, .asked = t0}, 0);
    CHECK(cache.take_due(t0 + 2s)->asked == t0 + 1s);
}

TEST_CASE("only what was sound and still holds outlives a failure") {
    Memory cache(plenty);
    CHECK_FALSE(cache.postpone("a", t0, t0 + 1s, 1));
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 5s}, 0);
    CHECK(cache.postpone("a", t0, t0 + 1s, 1));
    CHECK(cache.next_due() == t0 + 1s);
    CHECK(cache.failures("a") == 1);
    CHECK(cache.postpone("a", t0 + 1s, t0 + 8s, 2));
    CHECK(cache.find("a", t0 + 8s)->at(0) == "A");
    CHECK_FALSE(cache.postpone("a", t0 + 9s, t0 + 10s, 3));
    cache.put("a", replies("F"), {.until = t0 + 99s}, 3);
    CHECK_FALSE(cache.postpone("a", t0 + 9s, t0 + 10s, 4));
}

TEST_CASE("what is evicted is not due") {
    Memory cache(10'000);
    for (int i = 0; i < 100; i++)
        cache.put(fmt::format("{}", i), replies("x"), {.until = t0 + 1h, .due = t0}, 0);
    REQUIRE(cache.size() < 90);
    std::size_t due = 0;
    while (cache.take_due(t0))
        due++;
    CHECK(due == cache.size());
}

TEST_CASE("what is erased is gone, and the rest goes on") {
    Memory cache(plenty);
    for (const char* key : {"a", "b", "c"})
        cache.put(key, replies(key), {.until = t0 + 1h, .due = t0 + 1min}, 0);
    cache.erase("b");
    cache.erase("nothing");
    CHECK(cache.find("b", t0) == nullptr);
    CHECK(cache.find("c", t0)->at(0) == "c");
    CHECK(cache.size() == 2);
    CHECK(cache.take_due(t0 + 1min)->key != "b");
    cache.erase("a");
    cache.erase("c");
    CHECK(cache.size() == 0);
    CHECK(cache.next_due() == Cache::not_due);
    cache.put("b", replies("B"), {.until = t0 + 1h}, 0);
    CHECK(cache.find("b", t0)->at(0) == "B");
}

TEST_CASE("what is outdated is not found, and is freed little by little") {
    Memory cache(plenty);
    for (int i = 0; i < 1000; i++)
        cache.put(fmt::format("{}", i), replies("old"), {.until = t0 + 1h, .due = t0}, 2);
    const std::size_t octets = cache.octets();
    const unsigned edition = cache.edition();
    REQUIRE(cache.find_from("1", edition, t0) != nullptr);
    cache.outdate();
    CHECK(cache.size() == 0);
    CHECK(cache.find("1", t0) == nullptr);
    CHECK(cache.find_from("1", cache.edition(), t0) == nullptr);
    CHECK_FALSE(cache.postpone("1", t0, t0 + 1s, 3));
    CHECK(cache.failures("1") == 2);
    cache.put("1", replies("new"), {.until = t0 + 1h}, 0);
    CHECK(cache.find("1", t0)->at(0) == "new");
    CHECK(cache.find_from("1", edition, t0) == nullptr); // whose maps are the old ones
    CHECK(cache.octets() < octets);
    for (int i = 0; i < 10; i++)
        cache.put(fmt::format("x{}", i), replies("new"), {.until = t0 + 1h}, 0);
    CHECK(cache.size() == 11);
    CHECK(cache.octets() < octets / 2);
    CHECK_FALSE(cache.take_due(t0));
}

TEST_CASE("a far lower limit leaves room for answers, not for the slots of those that went") {
    Memory cache(std::size_t{64} << 20U);
    for (int i = 0; i < 50'000; i++)
        cache.put(fmt::format("domain-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    cache.limit(plenty);
    for (int i = 0; i < 5'000; i++)
        cache.put(fmt::format("more-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    CHECK(cache.octets() <= plenty);
    CHECK(cache.size() > 3'000);
}

TEST_CASE("a lower limit is reached little by little") {
    Memory cache(plenty);
    for (int i = 0; i < 3000; i++)
        cache.put(fmt::format("domain-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    const std::size_t before = cache.size();
    cache.limit(200'000);
    CHECK(cache.size() == before);
    cache.put("one-more.example", replies("x"), {.until = t0 + 1h}, 0);
    CHECK(cache.octets() > 200'000);
    for (int i = 0; i < 20; i++)
        cache.put(fmt::format("more-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    CHECK(cache.octets() <= 200'000);
}

TEST_CASE("what a failure has put is erased, what was sound before it stays") {
    Memory cache(plenty);
    cache.put("failed", replies("A"), {.until = t0 + 10s}, 1);
    cache.put("sound", replies("B"), {.until = t0 + 10s}, 0);
    CHECK(cache.postpone("sound", t0, t0 + 5s, 1));
    for (const char* key : {"failed", "sound", "none"})
        cache.erase_unsound(key);
    CHECK(cache.find("failed", t0) == nullptr);
    REQUIRE(cache.find("sound", t0) != nullptr);
    CHECK(cache.find("sound", t0)->at(0) == "B");
}
