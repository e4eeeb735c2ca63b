// SPDX-License-Identifier: BSD-3-Clause
//
// Verdicts depend on which host states occur and not on how often, on which host failed first (the
// reason of a tempfail), on the mode of the policy in force and on what is remembered. So a few
// completions stand for all of them; the tests compare with all.
#include "postseal/verdict/settled.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace postseal::verdict {
namespace {

// failed first: see spread().
constexpr std::array states{HostState::failed, HostState::usable, HostState::unusable,
                            HostState::none, HostState::no_address};
constexpr unsigned all_sets = 1U << states.size();

bool same_promise(const Verdict& a, const Verdict& b) {
    return a.cls == b.cls && a.level == b.level && a.override_text == b.override_text &&
           a.temp_reason == b.temp_reason;
}

Sts promising(std::optional<mtasts::Mode> mode, WallTime now) {
    Sts sts;
    sts.record = mode ? RecordState::found : RecordState::absent;
    if (!mode) return sts;
    sts.fetch = FetchState::fetched;
    sts.policy = mtasts::Policy{.mode = *mode, .max_age = {}, .mx = {}, .lines = {}};
    sts.expires_at = now + std::chrono::hours(1);
    return sts;
}

// With the partial evidence itself, whose policy may stay.
std::vector<Sts> promises(const Evidence& evidence, const Pending& pending, WallTime now) {
    std::vector<Sts> out{evidence.sts};
    if (!pending.policy) return out;
    out.push_back(promising(std::nullopt, now));
    out.push_back(promising(mtasts::Mode::enforce, now));
    out.push_back(promising(mtasts::Mode::testing, now));
    return out;
}

std::vector<Remembered> memories(const Evidence& evidence, const Pending& pending) {
    if (!pending.remembered || evidence.mx.state != MxState::failed) return {evidence.remembered};
    return {Remembered::nothing, Remembered::no_dane, Remembered::dane};
}

std::vector<Host*> pending_hosts(Evidence& evidence) {
    std::vector<Host*> out;
    for (Host& host : evidence.mx.hosts)
        if (host.lookup == HostLookup::pending) out.push_back(&host);
    return out;
}

// Gives the hosts the states of the set, each at least once and the first host F if any is; false:
// there are not so many hosts.
bool spread(unsigned set, const std::vector<Host*>& hosts) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < states.size(); i++) {
        if ((set >> i & 1U) == 0) continue;
        if (next == hosts.size()) return false;
        for (std::size_t h = next; h < hosts.size(); h++)
            hosts[h]->state = states.at(i);
        next++;
    }
    return true;
}

class Early {
  public:
    Early(const Evidence& partial, std::span<const Options> options, WallTime now)
        : options_(options), now_(now) {
        for (const Options& each : options)
            verdicts_.push_back(judge(partial, each, now));
    }
    [[nodiscard]] bool enforces() const {
        return std::ranges::find(verdicts_, Class::enforce, &Verdict::cls) != verdicts_.end();
    }
    [[nodiscard]] bool is_that_of(const Evidence& completion) const {
        for (std::size_t i = 0; i < options_.size(); i++)
            if (!same_promise(judge(completion, options_[i], now_), verdicts_[i])) return false;
        return true;
    }

  private:
    std::span<const Options> options_;
    WallTime now_;
    std::vector<Verdict> verdicts_;
};

bool holds_for_all_hosts(const Early& early, Evidence& completion,
                         const std::vector<Host*>& hosts) {
    if (hosts.empty()) return early.is_that_of(completion);
    for (unsigned set = 1; set < all_sets; set++)
        if (spread(set, hosts) && !early.is_that_of(completion)) return false;
    return true;
}

} // namespace

bool settled(const Evidence& evidence, const Pending& pending, std::span<const Options> options,
             WallTime now) {
    // It may be bogus, or name no host at all.
    const bool sealed = evidence.override_ && evidence.override_->kind == Override::Kind::sealed;
    if (evidence.mx.pending && (!evidence.override_ || sealed)) return false;
    const Early early(evidence, options, now);
    if (pending.policy &&
        (early.enforces() || may_be_relay(evidence) || evidence.other_forms.sts_only))
        return false;

    Evidence completion = evidence;
    completion.partial = false;
    const std::vector<Host*> hosts = pending_hosts(completion);
    // What it blames is no longer that it is late.
    for (Host* host : hosts)
        host->reason = "?";
    const std::vector<Remembered> remembered = memories(evidence, pending);
    for (const Sts& sts : promises(evidence, pending, now)) {
        completion.sts = sts;
        for (const Remembered each : remembered) {
            completion.remembered = each;
            if (!holds_for_all_hosts(early, completion, hosts)) return false;
        }
    }
    return true;
}

} // namespace postseal::verdict
