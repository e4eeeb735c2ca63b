// SPDX-License-Identifier: BSD-3-Clause
#include "dns/validation_health.h"

#include "postseal/base/names.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace postseal::dns {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds every = 1h;
constexpr milliseconds retry = 30s;
constexpr milliseconds suspicion = 1min;
constexpr milliseconds between_suspicions = 15s;
// An answer that came from a failed lookup holds for 5 minutes at most (engine/validity.h).
constexpr milliseconds remembered = 6min;
constexpr std::size_t max_names = 4096;

// The last two labels: what names of one owner mostly share.
std::string_view family(std::string_view name) {
    const auto last = name.rfind('.');
    if (last == std::string_view::npos || last == 0) return name;
    const auto second = name.rfind('.', last - 1);
    return second == std::string_view::npos ? name : name.substr(second + 1);
}

} // namespace

// co_await Waiter(health): the end of the check that is going on.
class ValidationHealth::Waiter {
  public:
    explicit Waiter(ValidationHealth& health) : health_(health) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        if (waiting_) health_.waiters_.erase(self_);
    }
    bool await_ready() const noexcept { return !health_.checking_; }
    void await_suspend(std::coroutine_handle<> h) {
        handle_ = h;
        self_ = health_.waiters_.insert(health_.waiters_.end(), this);
        waiting_ = true;
    }
    void await_resume() const noexcept {}

    void wake() {
        waiting_ = false;
        ready_.post(health_.needs_.loop, async::Callback::resume(handle_));
    }

  private:
    ValidationHealth& health_;
    std::list<Waiter*>::iterator self_;
    bool waiting_ = false;
    std::coroutine_handle<> handle_;
    async::Ready ready_;
};

async::Task<Answer> ValidationHealth::resolve_for(Asker asker, std::string name, RrType type) {
    Answer answer = co_await needs_.resolver.resolve_for(asker, name, type);
    if (answer.status == Status::failed && type == RrType::mx && state_ != State::working)
        note(failed_, name);
    if (answer.status != Status::bogus) co_return answer;
    suspect(name);
    if (state_ != State::failing) co_await Waiter(*this);
    co_return judged(std::move(answer), std::move(name), type);
}

void ValidationHealth::suspect(const std::string& name) {
    if (state_ != State::working || checking_) return;
    const MonoTime now = needs_.loop.now();
    std::erase_if(suspects_, [now](const Noted& other) { return now - other.at > suspicion; });
    const bool unrelated = std::ranges::any_of(
        suspects_, [&](const Noted& other) { return other.name != family(name); });
    if (unrelated && now - checked_at_ >= between_suspicions) return check_now();
    // Of one family the latest, so that there are few.
    std::erase_if(suspects_, [&](const Noted& other) { return other.name == family(name); });
    note(suspects_, std::string(family(name)));
}

void ValidationHealth::note(std::deque<Noted>& names, std::string name) {
    const MonoTime now = needs_.loop.now();
    while (!names.empty() && (names.size() >= max_names || now - names.front().at > remembered))
        names.pop_front();
    names.push_back({.name = std::move(name), .at = now});
}

Answer ValidationHealth::judged(Answer answer, std::string name, RrType type) {
    if (state_ != State::failing) {
        if (type == RrType::mx) note(blamed_, std::move(name));
        return answer;
    }
    answer.failure = Failure::unvalidated;
    answer.reason = own_fault_clause(last_);
    if (type != RrType::mx) return answer;
    answer.status = Status::failed;
    note(failed_, std::move(name));
    return answer;
}

void ValidationHealth::check_now() {
    if (checking_) {
        again_ = true;
        return;
    }
    timer_.stop();
    checking_ = true;
    group_.start(check());
}

async::Task<> ValidationHealth::checked() { co_await Waiter(*this); }

async::Task<> ValidationHealth::check() {
    RootCheck found;
    do {
        again_ = false;
        found = co_await needs_.check();
    } while (again_);
    conclude(std::move(found));
}

void ValidationHealth::conclude(RootCheck found) {
    const State before = state_;
    state_ = found.fault == RootFault::none ? State::working : State::failing;
    const bool changed = found.fault != last_.fault;
    last_ = std::move(found);
    checking_ = false;
    checked_at_ = needs_.loop.now();
    suspects_.clear();
    check_after(state_ == State::working ? every : retry);
    if (changed) needs_.on_change(last_);
    if (state_ != before) reconsider(state_ == State::failing ? blamed_ : failed_);
    for (Waiter* waiter : std::exchange(waiters_, {}))
        waiter->wake();
}

void ValidationHealth::reconsider(std::deque<Noted>& names) {
    for (const Noted& noted : std::exchange(names, {}))
        needs_.reconsider(noted.name);
}

void ValidationHealth::check_after(milliseconds delay) {
    timer_.start(needs_.loop, delay,
                 {[](void* self) { static_cast<ValidationHealth*>(self)->check_now(); }, this});
}

constexpr auto validation_health_state_names =
    names_for<ValidationHealth::State>({{ValidationHealth::State::unknown, "unknown"},
                                        {ValidationHealth::State::working, "working"},
                                        {ValidationHealth::State::failing, "failing"}});
std::string_view to_string(ValidationHealth::State state) {
    return validation_health_state_names[state];
}

} // namespace postseal::dns
