// SPDX-License-Identifier: BSD-3-Clause
#include "support/fake_resolver.h"

#include "async/counted.h"
#include "support/rdata.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <coroutine>
#include <set>
#include <stdexcept>

namespace postseal::test {
namespace {

using dns::Answer;
using dns::RrType;
using dns::Security;
using dns::Status;

[[noreturn]] void fault(std::string_view line, std::string_view what) {
    throw std::runtime_error(fmt::format("fake resolver: {}: {}", what, line));
}

std::string_view next_word(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return word;
}

long number(std::string_view word, std::string_view line) {
    long value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) fault(line, "no number");
    return value;
}

Security security(std::string_view word, std::string_view line) {
    if (word == "secure") return Security::secure;
    if (word == "insecure") return Security::insecure;
    fault(line, "neither secure nor insecure");
}

bool is_type(std::string_view word) {
    const auto types = {RrType::a,    RrType::aaaa,  RrType::mx,   RrType::txt,
                        RrType::tlsa, RrType::cname, RrType::dname};
    return word == "*" ||
           std::ranges::any_of(types, [&](RrType t) { return to_string(t) == word; });
}

} // namespace

FakeResolver::FakeResolver(async::Loop& loop, std::string_view text) : loop_(loop) { set(text); }

void FakeResolver::set(std::string_view text) {
    std::map<Key, Entry> fresh;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.empty() && line.front() != '#') add_line(line, fresh);
    }
    for (auto& [key, entry] : fresh)
        entries_.insert_or_assign(key, std::move(entry));
}

void FakeResolver::add_line(std::string_view line, std::map<Key, Entry>& fresh) {
    std::string_view rest = line;
    std::string name(next_word(rest));
    if (name == "zone") {
        name = next_word(rest);
        Zone& zone = zones_[name];
        zone.security = security(next_word(rest), line);
        if (!rest.empty()) zone.ttl = seconds(number(next_word(rest), line));
        return;
    }
    std::string type(next_word(rest));
    if (!is_type(type)) fault(line, "no such type");
    Entry& entry = fresh[{name, type}];
    const std::string_view kind = next_word(rest);
    if (kind == "hang") {
        entry.hangs = true;
        return;
    }
    if (kind == "queued") {
        entry.queued = milliseconds(number(next_word(rest), line));
        return;
    }
    if (kind == "delay") {
        entry.delay = milliseconds(number(next_word(rest), line));
        return;
    }
    Answer& answer = entry.answer ? *entry.answer : entry.answer.emplace();
    if (kind == "alias") {
        answer.canonical_name = rest;
        return;
    }
    if (kind == "bogus" || kind == "failed") {
        answer.status = kind == "bogus" ? Status::bogus : Status::failed;
        answer.failure = kind == "bogus" ? dns::Failure::bogus : dns::Failure::servfail;
        answer.reason = rest;
        return;
    }
    answer.security = security(kind, line);
    const seconds ttl(number(next_word(rest), line));
    answer.ttl = answer.rdata.empty() ? ttl : std::min(ttl, answer.ttl);
    if (rest == "nodata") {
        answer.status = Status::no_data;
    } else if (rest == "nxdomain") {
        answer.status = Status::nxdomain;
    } else {
        if (rest.empty() || type == "*") fault(line, "no data");
        answer.status = Status::found;
        answer.rdata.push_back(rdata_of(type, rest));
    }
}

const FakeResolver::Entry* FakeResolver::find(const std::string& name,
                                              const std::string& type) const {
    for (const std::string& t : {type, std::string("*")})
        if (const auto it = entries_.find({name, t}); it != entries_.end()) return &it->second;
    return nullptr;
}

const Answer* FakeResolver::own_answer(const std::string& name, const std::string& type) const {
    const auto it = entries_.find({name, type});
    if (it == entries_.end()) return nullptr;
    const std::optional<Answer>& answer = it->second.answer;
    return answer ? &*answer : nullptr;
}

FakeResolver::Zone FakeResolver::zone_of(std::string_view name) const {
    for (;;) {
        if (const auto it = zones_.find(name); it != zones_.end()) return it->second;
        const auto dot = name.find('.');
        if (dot == std::string_view::npos) return {};
        name.remove_prefix(dot + 1);
    }
}

Answer FakeResolver::negative(const std::string& name) const {
    const Zone zone = zone_of(name);
    const bool exists =
        std::ranges::any_of(entries_, [&](const auto& e) { return e.first.first == name; });
    Answer answer;
    answer.status = exists ? Status::no_data : Status::nxdomain;
    answer.security = zone.security;
    answer.ttl = zone.ttl;
    return answer;
}

Answer FakeResolver::answer_for(std::string name, RrType type) const {
    const std::string type_name(to_string(type));
    const std::string asked = name;
    Security weakest = Security::secure;
    seconds least = seconds::max();
    std::set<std::string> seen;
    for (;;) {
        const Answer* alias = own_answer(name, "CNAME");
        if (alias != nullptr && alias->status == Status::found &&
            own_answer(name, type_name) == nullptr) {
            if (!seen.insert(name).second) fault(asked, "a loop of CNAMEs");
            weakest = std::min(weakest, alias->security);
            least = std::min(least, alias->ttl);
            name = text_of_name(alias->rdata.front());
            continue;
        }
        const Entry* entry = find(name, type_name);
        Answer answer = entry != nullptr && entry->answer ? *entry->answer : negative(name);
        if (dns::is_failure(answer)) return answer;
        answer.security = std::min(answer.security, weakest);
        answer.ttl = std::min(answer.ttl, least);
        if (name != asked) answer.canonical_name = name;
        return answer;
    }
}

async::Task<Answer> FakeResolver::resolve_for(dns::Asker asker, std::string name, RrType type) {
    struct InFlight {
        explicit InFlight(FakeResolver& r) : resolver(r) {
            resolver.in_flight_++;
            resolver.max_in_flight_ = std::max(resolver.max_in_flight_, resolver.in_flight_);
        }
        InFlight(const InFlight&) = delete;
        InFlight& operator=(const InFlight&) = delete;
        ~InFlight() { resolver.in_flight_--; }
        FakeResolver& resolver;
    };
    const InFlight in_flight(*this);
    const std::string type_name(to_string(type));
    questions_.push_back(name + " " + type_name);
    if (blocked_) {
        co_await async::Sleep(loop_, seconds(8));
        Answer answer;
        answer.reason = "no answer";
        co_return answer;
    }
    const Entry* entry = find(name, type_name);
    if (entry != nullptr && entry->hangs) {
        std::suspend_always for_ever;
        co_await for_ever;
    }
    std::size_t unwanted = 0;
    const bool queued = entry != nullptr && entry->queued > milliseconds(0);
    if (queued) {
        const async::Counted waiting(asker.queued != nullptr ? *asker.queued : unwanted);
        co_await async::Sleep(loop_, entry->queued);
        entry = find(name, type_name); // set() may have come between
    }
    const milliseconds delay = entry != nullptr ? entry->delay : milliseconds(0);
    co_await async::Sleep(loop_, delay);
    co_return answer_for(std::move(name), type);
}

std::size_t FakeResolver::count(std::string_view question) const {
    return static_cast<std::size_t>(std::ranges::count(questions_, question));
}

} // namespace postseal::test
