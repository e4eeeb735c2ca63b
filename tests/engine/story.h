// engine/story.h: tests/scenarios/*.story, played in virtual time
//
// A line "at TIME" and what follows it is a scene; TIME counts from the begin, as in 1d2h30m10s.
// A scene's sentences, the first beside its "at" or all below:
//   as in FILE                                the sentences of tests/scenarios/FILE
//   the zone says LINE [/ MORE...]            support/fake_resolver.h; MORE: RDATA of the same
//                                             RRset, or "delay MILLISECONDS"
//   DNS is blocked | DNS works again
//   the policy host of DOMAIN serves MODE [PATTERN...] for TIME
//   the policy host of DOMAIN serves the text TEXT
//   the policy host of DOMAIN fails: FAULT REASON        https::to_string(FetchFault)
//   policy hosts take TIME
//   ask KEY [within TIME]: REPLY              as a client does: memory first
//   known KEY: REPLY                          memory has it
//   unknown KEY                               memory has it not
//   fetches N | fetches N to M                since the begin
//   downgrades N                              since the begin
//   the last downgrade is SUBJECT: OLD -> NEW
//   restart | the daemon stops | the daemon starts
//   the wall clock jumps [-]TIME
// REPLY: no policy, deferred, dane, dane-only, or secure and the patterns that match= lists; and
// perhaps "(row N)", which makes the question go past memory.
// "#" begins a comment. A story that no line "only without restarts" excepts is played a second
// time with a restart before each scene; then "known" and "unknown" say nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <cstddef>
#include <string>
#include <vector>

namespace postseal::test {

struct Sentence {
    std::string where; // "FILE:LINE"
    milliseconds at{0};
    bool begins_scene = false;
    std::string text;
};

struct Story {
    std::string name;
    bool restarts = true;
    std::vector<Sentence> sentences;
};

// All of them, by name. A fault in one throws std::runtime_error.
[[nodiscard]] std::vector<Story> read_stories();

enum class Play { as_written, with_restarts };
// What was not as the story says, a line each.
[[nodiscard]] std::vector<std::string> play(const Story& story, Play how);

} // namespace postseal::test
