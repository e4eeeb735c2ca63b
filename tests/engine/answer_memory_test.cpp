// Meant to be run under ThreadSanitizer, too: contrib/build thread.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/answer_memory.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;
using cache::CachedAnswer;
using cache::Reader;

namespace {

constexpr MonoTime now{1h};

std::string key_of(int i) { return fmt::format("domain-{}.example", i); }

} // namespace

TEST_CASE("known: readers on other threads see each key with one of its replies, never none") {
    constexpr int lasting = 200; // replaced over and over, never gone
    constexpr std::uint64_t enough = 20'000;
    Maps maps(config::parse("", "f").value());
    AnswerMemory known(std::make_shared<const Maps>(maps), {},
                       std::size_t{16} << 20U); // room for all
    const auto put = [&](int i, int generation) {
        const std::string reply = fmt::format("{} {}", key_of(i), generation);
        known.cache().put(key_of(i), {reply, reply}, {.until = now + 1h, .asked = now}, 0);
    };
    for (int i = 0; i < lasting; i++)
        put(i, 0);
    std::atomic<bool> end = false;
    std::atomic<std::uint64_t> wrong = 0;
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<std::atomic<std::uint64_t>> looked(2);
    std::vector<std::thread> threads;
    for (auto& count : looked) {
        readers.push_back(std::make_unique<Reader>());
        known.readers().add(*readers.back());
        threads.emplace_back([&known, &reader = *readers.back(), &count, &end, &wrong] {
            for (int i = 0; !end; i = (i + 1) % lasting, count++) {
                const std::string key = key_of(i);
                const Snapshot look(known, reader);
                const CachedAnswer* answer = look.find(key, now);
                if (answer == nullptr || answer->at(0) != answer->at(1) ||
                    !answer->at(0).starts_with(key + " "))
                    wrong++;
            }
        });
    }
    // Some are replaced, many come and go, the table grows and is cleaned.
    for (int i = 0; looked[0] < enough || looked[1] < enough; i++) {
        put(i % lasting, i);
        put(1'000 + i % 5'000, i);
        if (i % 3 == 0) known.cache().erase(key_of(1'000 + i % 5'000));
        if (i % 100 == 0) std::this_thread::yield();
    }
    end = true;
    for (std::thread& thread : threads)
        thread.join();
    for (const auto& reader : readers)
        known.readers().remove(*reader);
    CHECK(wrong == 0);
}

TEST_CASE("known: maps and answers are of one edition, however often they change") {
    const auto maps_with = [](const char* level) {
        return std::make_shared<const Maps>(
            config::parse(fmt::format("[[map]]\nname = \"{}\"\n", level), "f").value());
    };
    const auto first = maps_with("first");
    const auto second = maps_with("second");
    AnswerMemory known(first, {}, std::size_t{1} << 20U);
    Reader reader;
    known.readers().add(reader);
    std::atomic<bool> end = false;
    std::atomic<std::uint64_t> looked = 0;
    std::atomic<std::uint64_t> wrong = 0;
    std::thread thread([&] {
        for (; !end; looked++) {
            const Snapshot look(known, reader);
            const char* edition = look.maps().find("first") ? "first" : "second";
            const CachedAnswer* answer = look.find("a.example", now);
            if (answer != nullptr && answer->at(0) != edition) wrong++;
        }
    });
    for (int i = 0; i < 2'000 || looked < 2'000; i++) {
        const bool odd = i % 2 == 1;
        known.publish(odd ? second : first);
        known.cache().put("a.example", {odd ? "second" : "first"}, {.until = now + 1h}, 0);
    }
    end = true;
    thread.join();
    known.readers().remove(reader);
    CHECK(wrong == 0);
}
