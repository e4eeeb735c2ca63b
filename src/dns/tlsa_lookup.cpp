// SPDX-License-Identifier: BSD-3-Clause
#include "dns/tlsa_lookup.h"

#include "async/group.h"
#include "async/nudge.h"
#include "postseal/base/text.h"
#include "postseal/dane/usability.h"

#include <fmt/format.h>

#include <algorithm>
#include <coroutine>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::dns {
namespace {

using verdict::HostState;

// What the A and AAAA answers together say.
enum class Addresses {
    secure,         // at least one family
    insecure,       // the host's own zone is not signed
    insecure_alias, // not signed, and a CNAME led there
    none,           // neither family has any
    unknown,        // a lookup failed and the other does not make up for it
};

struct AddressSummary {
    Addresses state = Addresses::unknown;
    std::string canonical_name; // secure
    seconds ttl{0};
    std::string reason; // insecure, none, unknown
    bool bogus = false; // unknown: a lookup is
};

seconds min_ttl(const Answer& a, const Answer& b) { return std::min(a.ttl, b.ttl); }

bool found(const Answer& answer, Security security) {
    return answer.status == Status::found && answer.security == security;
}

// An insecure answer, found or not, without a CNAME: the zone is not signed.
bool shows_unsigned_zone(const Answer& answer) {
    return !is_failure(answer) && answer.security == Security::insecure &&
           answer.canonical_name.empty();
}

AddressSummary view_of(const std::string& host, const Answer& a, const Answer& aaaa) {
    for (const Security security : {Security::secure, Security::insecure}) {
        const bool has_a = found(a, security);
        const bool has_aaaa = found(aaaa, security);
        if (!has_a && !has_aaaa) continue;
        const Answer& one = has_a ? a : aaaa;
        const seconds ttl = has_a && has_aaaa ? min_ttl(a, aaaa) : one.ttl;
        if (security == Security::secure) return {Addresses::secure, one.canonical_name, ttl, {}};
        if (!one.canonical_name.empty()) return {Addresses::insecure_alias, {}, ttl, {}};
        return {Addresses::insecure,
                {},
                ttl,
                fmt::format("the {} records of {} are not signed",
                            to_string(has_a ? RrType::a : RrType::aaaa), host)};
    }
    if (!is_failure(a) && !is_failure(aaaa)) {
        const bool absent = a.status == Status::nxdomain && a.canonical_name.empty();
        return {Addresses::none,
                {},
                min_ttl(a, aaaa),
                fmt::format("{} {}", host,
                            absent ? "does not exist" : "has neither A nor AAAA records")};
    }
    const bool a_failed = is_failure(a);
    const Answer& bad = a_failed ? a : aaaa;
    const Answer& other = a_failed ? aaaa : a;
    std::string reason = failure_clause(host, a_failed ? RrType::a : RrType::aaaa, bad);
    // Nobody can promise DANE in a zone that is proven unsigned, whatever the lookup that failed
    // would have said; a bogus answer contradicts that proof.
    if (bad.status == Status::failed && shows_unsigned_zone(other))
        return {Addresses::insecure, {}, seconds(0), reason + ", and its zone is not signed"};
    return {Addresses::unknown, {}, seconds(0), std::move(reason), bad.status == Status::bogus};
}

HostResult& settle(HostResult& result, HostState state, std::string reason) {
    result.host.state = state;
    result.host.reason = std::move(reason);
    if (state == HostState::failed) result.ttl = seconds(0);
    return result;
}

HostResult& settle_failed(HostResult& result, std::string reason, bool bogus) {
    result.host.bogus = bogus;
    return settle(result, HostState::failed, std::move(reason));
}

// U or X, by a secure TLSA RRset (RFC 7672 section 3.1).
void judge_tlsa(HostResult& result, const std::string& name, const Answer& answer) {
    verdict::Host& host = result.host;
    std::string first_fault;
    bool any = false;
    host.tlsa_name = name;
    for (const std::string& rdata : answer.rdata) {
        auto tlsa = dane::parse_tlsa(rdata);
        std::string fault;
        if (!tlsa)
            fault = tlsa.error();
        else if (auto verdict = dane::usable(*tlsa); !verdict)
            fault = verdict.error();
        if (tlsa) host.tlsa.push_back(*std::move(tlsa));
        any = any || fault.empty();
        if (first_fault.empty()) first_fault = std::move(fault);
    }
    if (any) {
        settle(result, HostState::usable, {});
        return;
    }
    settle(result, HostState::unusable,
           fmt::format("no TLSA record at {} is usable: {}", name, first_fault));
}

// A name of many labels is not a reason for many questions.
constexpr int max_ancestors = 8;

// The DNAME above the host, if it is secure: the answer that shows it. No answer: there is none, or
// it cannot be shown.
async::Task<std::optional<Answer>> secure_dname_above(Resolver& resolver, std::string host) {
    for (int left = max_ancestors; left > 0; left--) {
        const auto dot = host.find('.');
        if (dot == std::string::npos) break;
        host.erase(0, dot + 1);
        Answer answer = co_await resolver.resolve(host, RrType::dname);
        if (is_failure(answer)) break;
        if (!answer.canonical_name.empty()) continue; // an alias itself, by a DNAME further up
        if (answer.security == Security::insecure) break;
        if (answer.status == Status::found) co_return answer;
    }
    co_return std::nullopt;
}

// Whether a CNAME at the host, whose addresses are not signed, lets its own name be a base domain;
// if not, the result is settled.
async::Task<bool> alias_is_secure(Resolver& resolver, std::string host, HostResult& result) {
    Answer alias = co_await resolver.resolve(host, RrType::cname);
    if (alias.status == Status::bogus) {
        std::optional<Answer> dname = co_await secure_dname_above(resolver, host);
        if (dname) alias = *std::move(dname);
    }
    if (is_failure(alias)) {
        settle_failed(result, failure_clause(host, RrType::cname, alias),
                      alias.status == Status::bogus);
        co_return false;
    }
    result.ttl = std::min(result.ttl, alias.ttl);
    if (alias.security == Security::secure) co_return true;
    settle(result, HostState::none,
           fmt::format("neither the CNAME of {} nor the addresses it leads to are signed", host));
    co_return false;
}

std::string tlsa_name(std::uint16_t port, std::string_view base) {
    return fmt::format("_{}._tcp.{}", port, base);
}

// The TLSA lookups at the base domains, in order, until one settles the result.
async::Task<> look_at_bases(Resolver& resolver, std::vector<std::string> bases, std::uint16_t port,
                            HostResult& result) {
    std::string reason;
    for (const std::string& base : bases) {
        const std::string name = tlsa_name(port, base);
        if (name.size() > max_name) {
            append_clause(reason, fmt::format("{} is too long a name for TLSA records", base));
            continue;
        }
        if (!askable(name)) {
            settle(result, HostState::failed,
                   fmt::format("{} is an alias of {}, where no TLSA lookup can be made",
                               result.host.name.name(), base));
            co_return;
        }
        const Answer answer = co_await resolver.resolve(name, RrType::tlsa);
        if (is_failure(answer)) {
            settle_failed(result, failure_clause(name, RrType::tlsa, answer),
                          answer.status == Status::bogus);
            co_return;
        }
        result.ttl = std::min(result.ttl, answer.ttl);
        if (found(answer, Security::secure)) {
            judge_tlsa(result, name, answer);
            co_return;
        }
        append_clause(reason, answer.security == Security::secure
                                  ? fmt::format("no TLSA record at {}", name)
                                  : fmt::format("the TLSA answer for {} is not signed", name));
    }
    settle(result, HostState::none, std::move(reason));
}

async::Task<HostResult> look_at(Resolver& resolver, Domain host, std::uint16_t port,
                                AddressSummary view) {
    HostResult result{{.name = host, .tlsa_name = {}, .tlsa = {}, .reason = {}}, view.ttl};
    std::vector<std::string> bases;
    switch (view.state) {
    case Addresses::none:
        co_return settle(result, HostState::no_address, std::move(view.reason));
    case Addresses::unknown:
        co_return settle_failed(result, std::move(view.reason), view.bogus);
    case Addresses::insecure:
        co_return settle(result, HostState::none, std::move(view.reason));
    case Addresses::insecure_alias: {
        const bool secure = co_await alias_is_secure(resolver, host.name(), result);
        if (!secure) co_return result;
        break;
    }
    case Addresses::secure:
        result.host.address_secure = true;
        if (!view.canonical_name.empty()) bases.push_back(std::move(view.canonical_name));
        break;
    }
    bases.push_back(host.name());
    co_await look_at_bases(resolver, std::move(bases), port, result);
    co_return result;
}

// The resolver, of which one TLSA RRset has been asked for already: who wants it waits for that
// answer, and if nobody does, the question is withdrawn.
class TlsaPrefetch final : public Resolver {
  public:
    TlsaPrefetch(async::Loop& loop, Resolver& resolver, std::string name)
        : resolver_(resolver), name_(std::move(name)), answered_(loop), question_(loop) {
        question_.start(ask());
    }

    async::Task<Answer> resolve(std::string name, RrType type) override {
        if (type != RrType::tlsa || name != name_)
            co_return co_await resolver_.resolve(std::move(name), type);
        while (!answer_)
            co_await answered_.wait();
        co_return *answer_;
    }

  private:
    async::Task<> ask() {
        answer_ = co_await resolver_.resolve(name_, RrType::tlsa);
        answered_.nudge();
    }

    Resolver& resolver_;
    std::string name_;
    std::optional<Answer> answer_;
    async::Nudge answered_;
    async::Group question_; // last: its body uses the rest
};

constexpr milliseconds second_family_may_take{1000};

// Both families' answers, as they come; one waiter.
class Families {
  public:
    explicit Families(async::Loop& loop) : loop_(loop) {}

    async::Task<> ask(Resolver& resolver, std::string name, RrType type) {
        std::optional<Answer>& own = type == RrType::a ? a_ : aaaa_;
        own = co_await resolver.resolve(std::move(name), type);
        if (both() || one_secure()) wake();
        if (!both())
            patience_.start(loop_, second_family_may_take,
                            {[](void* self) { static_cast<Families*>(self)->wake(); }, this});
    }

    // co_await Change(families): until both are there, one is found secure, or the second is late.
    class Change {
      public:
        explicit Change(Families& families) : families_(families) {}
        bool await_ready() const noexcept { return families_.both(); }
        void await_suspend(std::coroutine_handle<> h) { families_.waiter_ = h; }
        void await_resume() const noexcept { families_.waiter_ = nullptr; }

      private:
        Families& families_;
    };
    [[nodiscard]] bool both() const { return a_ && aaaa_; }
    [[nodiscard]] bool one_secure() const {
        return (a_ && found(*a_, Security::secure)) || (aaaa_ && found(*aaaa_, Security::secure));
    }
    // One that has not answered counts as failed.
    [[nodiscard]] AddressSummary view(const std::string& host) const {
        Answer late;
        late.reason = "no answer 1 s after the other family's";
        late.failure = Failure::timeout;
        return view_of(host, a_.value_or(late), aaaa_.value_or(late));
    }

  private:
    void wake() {
        if (waiter_) ready_.post(loop_, async::Callback::resume(waiter_));
    }
    async::Loop& loop_;
    std::optional<Answer> a_;
    std::optional<Answer> aaaa_;
    std::coroutine_handle<> waiter_;
    async::Timer patience_;
    async::Ready ready_;
};

} // namespace

async::Task<HostResult> tlsa_lookup(async::Loop& loop, Resolver& resolver, Domain host,
                                    std::uint16_t port, TlsaQuestion when, OnEarly on_early) {
    Families families(loop);
    async::Group questions(loop);
    questions.start(families.ask(resolver, host.name(), RrType::a));
    questions.start(families.ask(resolver, host.name(), RrType::aaaa));
    std::optional<TlsaPrefetch> prefetch;
    if (std::string name = tlsa_name(port, host.name());
        when == TlsaQuestion::beside_addresses && askable(name))
        prefetch.emplace(loop, resolver, std::move(name));
    Resolver& for_tlsa = prefetch ? *prefetch : resolver;
    co_await Families::Change(families);
    AddressSummary view = families.view(host.name());
    if (families.both()) co_return co_await look_at(for_tlsa, host, port, std::move(view));

    const bool secure = view.state == Addresses::secure;
    HostResult early = co_await look_at(for_tlsa, host, port, view);
    early.host.lookup = secure ? verdict::HostLookup::ended : verdict::HostLookup::provisional;
    // One that is F by its lateness may yet be anything: it is waited for.
    if (on_early.fn != nullptr && !families.both() &&
        (secure || early.host.state == HostState::none))
        on_early.fn(on_early.arg, early);
    while (!families.both())
        co_await Families::Change(families);
    AddressSummary last = families.view(host.name());
    if (!secure || last.canonical_name != view.canonical_name)
        co_return co_await look_at(for_tlsa, host, port, std::move(last));
    early.ttl = std::min(early.ttl, last.ttl);
    co_return early;
}

} // namespace postseal::dns
