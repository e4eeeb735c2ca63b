// SPDX-License-Identifier: BSD-3-Clause
#include "engine/story.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::test;

namespace {

void check_story(const Story& story, Play how) {
    for (const std::string& fault : play(story, how))
        FAIL_CHECK(
            fmt::format("{}{}", fault, how == Play::with_restarts ? " (with restarts)" : ""));
}

std::vector<std::string> faults_of(std::vector<std::string> sentences) {
    Story story{.name = "made up", .sentences = {}};
    for (std::string& text : sentences)
        story.sentences.push_back({.where = "here", .text = std::move(text)});
    return play(story, Play::as_written);
}

} // namespace

TEST_CASE("every story goes as it is written, and with a restart in the middle of everything") {
    const auto stories = read_stories();
    CHECK(stories.size() >= 50);
    for (const Story& story : stories) {
        check_story(story, Play::as_written);
        if (story.restarts) check_story(story, Play::with_restarts);
    }
}

TEST_CASE("a story that does not go as it is written is told so") {
    const std::vector<std::string> world{"the zone says a.example MX insecure 600 0 ."};
    const auto with = [&](const char* sentence) {
        auto sentences = world;
        sentences.emplace_back(sentence);
        return faults_of(sentences);
    };
    CHECK(with("ask a.example: no policy").empty());
    CHECK(with("ask a.example: no policy (row 2)").empty());
    CHECK(with("ask a.example: dane").size() == 1);
    CHECK(with("ask a.example: no policy (row 3)").size() == 1);
    CHECK(with("ask a.example within 0s: no policy").empty());
    CHECK(with("known a.example: no policy").size() == 1);
    CHECK(with("unknown a.example").empty());
    CHECK(with("fetches 1").size() == 1);
    CHECK(with("fetches 1 to 2").size() == 1);
    CHECK(with("fetches 0 to 2").empty());
    CHECK(with("downgrades 1").size() == 1);
    CHECK(with("the last downgrade is x: a -> b").size() == 1);
    CHECK_THROWS_WITH(with("ask nicely"), doctest::Contains("here: "));
    CHECK_THROWS_WITH(with("the zone is silent"), "here: the zone is silent: no such sentence");
    CHECK_THROWS(with("the policy host of a.example serves enforce a"));
}
