// SPDX-License-Identifier: BSD-3-Clause
#include "dns/recent_answers.h"

#include <utility>

namespace postseal::dns {
namespace {

constexpr seconds rounded{1};

bool about_hosts(RrType type) {
    return type == RrType::a || type == RrType::aaaa || type == RrType::tlsa;
}

} // namespace

std::optional<Answer> RecentAnswers::find(const std::string& name, RrType type, MonoTime now) {
    if (!about_hosts(type)) return std::nullopt;
    const Key key{name, type};
    auto found = young_.find(key);
    if (found == young_.end()) {
        auto node = old_.extract(key);
        if (node.empty()) return std::nullopt;
        put(std::move(node.key()), std::move(node.mapped()));
        found = young_.find(key);
    }
    const Entry& kept = found->second;
    const auto gone = std::chrono::ceil<seconds>(now - kept.at);
    if (now - kept.at >= kept.answer.ttl - rounded) {
        young_.erase(found);
        return std::nullopt;
    }
    Answer answer = kept.answer;
    answer.ttl -= gone;
    return answer;
}

void RecentAnswers::keep(std::string name, RrType type, const Answer& answer, MonoTime now) {
    if (!about_hosts(type) || is_failure(answer) || answer.ttl <= rounded) return;
    put({std::move(name), type}, {answer, now});
}

void RecentAnswers::put(Key key, Entry kept) {
    if (young_.size() >= most_ / 2) old_ = std::exchange(young_, {});
    young_.insert_or_assign(std::move(key), std::move(kept));
}

} // namespace postseal::dns
