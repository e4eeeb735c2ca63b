// dns/recent_answers.h: what was just answered about mail hosts, so that it need not be asked again
//
// Few providers have the mail of most domains: nearly every lookup of a new domain asks for
// addresses and TLSA records of the same hosts. libunbound has them too, but to ask it takes a
// message to its thread and back, validated or not. Kept: A, AAAA and TLSA answers that are no
// failure, for a second less than their TTL, because libunbound counts whole ones; the TTL given is
// what is left of it. Bounded: what was not asked for among the last few thousand answers goes.
// Value; thread: whoever owns it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

namespace postseal::dns {

class RecentAnswers {
  public:
    explicit RecentAnswers(std::size_t most = 4096) : most_(most) {}

    [[nodiscard]] std::optional<Answer> find(const std::string& name, RrType type, MonoTime now);
    void keep(std::string name, RrType type, const Answer& answer, MonoTime now);

  private:
    struct Key {
        std::string name;
        RrType type;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept {
            return std::hash<std::string>()(key.name) ^ static_cast<std::size_t>(key.type);
        }
    };
    struct Entry {
        Answer answer;
        MonoTime at;
    };
    using Answers = std::unordered_map<Key, Entry, Hash>;
    void put(Key key, Entry kept);

    std::size_t most_;
    Answers young_; // at most half of them; then they are the old ones
    Answers old_;
};

} // namespace postseal::dns
