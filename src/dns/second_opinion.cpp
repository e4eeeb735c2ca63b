// SPDX-License-Identifier: BSD-3-Clause
#include "dns/second_opinion.h"

#include "async/counted.h"
#include <string_view>
#include <utility>

namespace postseal::dns {
namespace {

using namespace std::chrono_literals;

// Less than what lies between a failed lookup and its retry.
constexpr milliseconds fresh_for = 15s;
constexpr milliseconds kept_open = 60s;
constexpr milliseconds remembered_for = 10min; // retries are 5 min apart at most
constexpr std::size_t max_names = 1024;
constexpr std::size_t max_asked = 16;

// "no DNSSEC records from 192.0.2.1 for DS example.com. while building chain of trust", also after
// "key for validation example.com. is marked as invalid because of a previous validation failure";
// a reason may be cut.
bool may_be_astray_at_ds(const Answer& bogus) {
    return bogus.reason.contains("no DNSSEC records from");
}

} // namespace

async::Task<Answer> SecondOpinion::resolve_for(Asker asker, std::string name, RrType type) {
    Answer answer = co_await first_.resolve_for(asker, name, type);
    if (answer.status != Status::bogus) {
        if (!is_failure(answer)) bogus_.erase(name);
        co_return answer;
    }
    const bool again = was_bogus_before(name) || may_be_astray_at_ds(answer);
    remember(name);
    keep_cause(name, type, answer, From::cache);
    if (!again || asked_ >= max_asked) co_return answer;
    const std::shared_ptr<Resolver> other = fresh();
    if (!other) co_return answer;
    const async::Counted counted(asked_);
    Answer second = co_await other->resolve_for(asker, name, type);
    if (second.status == Status::failed) co_return answer;
    if (second.status == Status::bogus) keep_cause(name, type, second, From::fresh);
    co_return second;
}

// The name, or one above it, whose zone it may share.
bool SecondOpinion::was_bogus_before(const std::string& name) {
    const MonoTime now = loop_.now();
    for (std::string_view part = name;;) {
        const auto found = bogus_.find(part);
        if (found != bogus_.end() && now - found->second.first >= fresh_for &&
            now - found->second.last < remembered_for)
            return true;
        const auto dot = part.find('.');
        if (dot == std::string_view::npos) return false;
        part.remove_prefix(dot + 1);
    }
}

void SecondOpinion::remember(const std::string& name) {
    const MonoTime now = loop_.now();
    const auto found = bogus_.find(name);
    if (found != bogus_.end()) {
        if (now - found->second.last >= remembered_for) found->second = {.first = now};
        found->second.last = now;
        return;
    }
    if (bogus_.size() >= max_names)
        std::erase_if(bogus_,
                      [&](const auto& old) { return now - old.second.last >= remembered_for; });
    if (bogus_.size() < max_names) bogus_.emplace(name, Bogus{.first = now, .last = now});
}

void SecondOpinion::keep_cause(const std::string& name, RrType type, Answer& answer, From from) {
    const auto found = bogus_.find(name);
    if (found == bogus_.end()) return; // they are too many
    const auto [cause, is_new] = found->second.causes.try_emplace(type, answer.reason);
    if (is_new) return;
    if (from == From::fresh)
        cause->second = answer.reason;
    else
        answer.reason = cause->second;
}

std::shared_ptr<Resolver> SecondOpinion::fresh() {
    const MonoTime now = loop_.now();
    if (opened_ != MonoTime::min() && now - opened_ < fresh_for) return fresh_;
    opened_ = now;
    fresh_ = open_();
    close_.start(loop_, kept_open,
                 {[](void* self) { static_cast<SecondOpinion*>(self)->fresh_.reset(); }, this});
    return fresh_;
}

} // namespace postseal::dns
