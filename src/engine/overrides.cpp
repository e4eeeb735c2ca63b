// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"

#include "config/file.h"
#include "postseal/base/text.h"
#include "postseal/verdict/postfix_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace postseal::engine {
namespace {

constexpr std::string_view blanks = " \t\r";

bool is_blank(std::string_view line) {
    return line.find_first_not_of(blanks) == std::string_view::npos;
}

// The logical lines of a texthash file, each with the number of its first physical line.
std::vector<std::pair<std::size_t, std::string>> logical_lines(std::string_view text) {
    std::vector<std::pair<std::size_t, std::string>> lines;
    for (std::size_t number = 1; !text.empty(); number++) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (is_blank(line) || line[line.find_first_not_of(blanks)] == '#') continue;
        if (blanks.find(line.front()) != std::string_view::npos && !lines.empty())
            lines.back().second += line;
        else
            lines.emplace_back(number, line);
    }
    return lines;
}

constexpr std::string_view every = "*";

std::expected<std::string, std::string> canonical(std::string_view key) {
    if (key == every) return std::string(every);
    if (key.starts_with("*."))
        return std::unexpected(
            fmt::format("write \"{}\" for all below it, or \"*\" for every destination",
                        printable(key.substr(1))));
    if (key.starts_with('.')) {
        auto domain = Domain::parse(key.substr(1));
        if (!domain) return std::unexpected(domain.error().text);
        return "." + domain->name();
    }
    const auto destination = Nexthop::parse_destination(key);
    if (!destination) return std::unexpected(destination.error().text);
    return destination->key();
}

std::expected<verdict::Override, std::string> read_policy(std::string_view policy) {
    using Kind = verdict::Override::Kind;
    if (policy.empty()) return std::unexpected("has no policy after it");
    if (policy == "ignore") return verdict::Override{.kind = Kind::ignore, .policy = {}};
    if (policy == "sealed") return verdict::Override{.kind = Kind::sealed, .policy = {}};
    if (policy == "sts-only") return verdict::Override{.kind = Kind::sts_only, .policy = {}};
    // What both forms take goes to every Postfix.
    if (auto read = verdict::read_postfix_policy(policy, verdict::Form::legacy); !read)
        return std::unexpected(
            fmt::format("Postfix would refuse \"{}\": {}", printable(policy), read.error()));
    return verdict::Override{.kind = Kind::policy, .policy = std::string(policy)};
}

std::string_view stripped(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// Takes the first word off the front, and the white space behind it.
std::string_view take_word(std::string_view& text) {
    const auto end = std::min(text.find_first_of(blanks), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(text.find_first_not_of(blanks, end), text.size()));
    return word;
}

// What stands behind a "#" that white space precedes is cut off.
std::string_view take_comment(std::string_view& text) {
    for (auto at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
        if (at == 0 || blanks.find(text[at - 1]) == std::string_view::npos) continue;
        const std::string_view comment = stripped(text.substr(at + 1));
        text = text.substr(0, at);
        return comment;
    }
    return {};
}

constexpr std::string_view until_mark = "until=";

// The end may stand anywhere in the comment, which keeps all other words.
std::optional<std::string> take_until(std::string& comment, Overrides::Entry& entry) {
    std::string others;
    for (std::string_view rest = comment; !rest.empty();) {
        const std::string_view word = take_word(rest);
        const std::string lower = lower_ascii(word);
        if (lower.starts_with(until_mark)) {
            const std::string_view when = word.substr(until_mark.size());
            if (entry.until) return "has more than one until=: leave one";
            entry.until = parse_until(when);
            if (!entry.until)
                return fmt::format("\"until={}\" is not a day: write until=2027-01-31, or a time "
                                   "in UTC as until=2027-01-31T12:00Z",
                                   printable(when));
            continue;
        }
        others.append(others.empty() ? 0 : 1, ' ').append(word);
    }
    if (entry.until) comment = std::move(others);
    return std::nullopt;
}

} // namespace

std::optional<std::string> Overrides::add(const std::string& file, std::size_t line,
                                          std::string_view text) {
    std::string comment(take_comment(text));
    text = stripped(text);
    const std::string_view key = take_word(text);
    auto name = canonical(key);
    if (!name) return fmt::format("\"{}\": {}", printable(key), name.error());
    Entry entry{.says = {}, .until = {}, .comment = {}, .file = file, .line = line};
    auto says = read_policy(text);
    if (!says) return fmt::format("\"{}\": {}", printable(key), says.error());
    entry.says = std::move(*says);
    if (auto fault = take_until(comment, entry))
        return fmt::format("\"{}\": {}", printable(key), *fault);
    entry.comment = std::move(comment);
    const auto [there, is_new] = entries_.emplace(std::move(*name), std::move(entry));
    if (!is_new)
        return fmt::format("\"{}\" is already there, in line {}", printable(key),
                           there->second.line);
    return std::nullopt;
}

Overrides::Reading Overrides::read(std::string_view text, const std::string& file) {
    Reading reading;
    for (const auto& [number, line] : logical_lines(text))
        if (auto fault = reading.overrides.add(file, number, line))
            reading.faults.push_back({file, number, "", *std::move(fault)});
    return reading;
}

std::expected<Overrides, std::string> Overrides::parse(std::string_view text,
                                                       const std::string& file) {
    Reading reading = read(text, file);
    if (reading.faults.empty()) return std::move(reading.overrides);
    std::string error = reading.faults.front().message();
    if (const auto more = reading.faults.size() - 1; more > 0)
        error += fmt::format(" (and {} more: postseal overrides check)", more);
    return std::unexpected(std::move(error));
}

std::expected<Overrides, std::string> Overrides::load(const std::string& path) {
    const auto text = config::read_file(path);
    if (!text && text.error() == std::errc::no_such_file_or_directory) return Overrides();
    if (!text)
        return std::unexpected(fmt::format("{}: cannot be read: {}", path, text.error().message()));
    return parse(*text, path);
}

milliseconds Overrides::Match::holds(WallTime now) const { return holds_until(until, now); }

milliseconds holds_until(std::optional<WallTime> until, WallTime now) {
    milliseconds time = std::chrono::hours(1);
    if (until) time = std::min(time, *until - now);
    return std::max<milliseconds>(time, std::chrono::seconds(1));
}

std::optional<Overrides::Match> Overrides::find(const Nexthop& nexthop, WallTime now,
                                                bool confirmed) const {
    const Keyed* found = find_entry(nexthop, now, confirmed);
    if (found == nullptr) return std::nullopt;
    return Match{.says = found->second.says, .until = found->second.until};
}

const Overrides::Keyed* Overrides::find_entry(const Nexthop& nexthop, WallTime now,
                                              bool confirmed) const {
    if (entries_.empty()) return nullptr;
    const auto at = [&](std::string_view key) -> const Keyed* {
        const auto found = entries_.find(key);
        if (found == entries_.end()) return nullptr;
        const Entry& entry = found->second;
        const bool ended =
            entry.until && now >= *entry.until && (confirmed || !entry.says.protects());
        return ended ? nullptr : &*found;
    };
    if (const Keyed* exact = at(nexthop.key())) return exact;
    // Postfix asks for no parents of "[host]" or of a name with a port; nor do we.
    if (nexthop.literal_host || nexthop.port != 25) return at(every);
    const std::string_view name = nexthop.domain.name();
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        if (const Keyed* parent = at(name.substr(dot))) return parent;
    return at(every);
}

Overrides Overrides::over(const Overrides& shared) const {
    Overrides both = *this;
    for (const auto& [key, entry] : shared.entries_)
        both.entries_.emplace(key, entry);
    return both;
}

AddressKeys Overrides::address_keys() const {
    AddressKeys keys;
    for (const auto& [key, entry] : entries_) {
        if (key == every) keys.all = true;
        if (Nexthop::parse_address(key)) keys.named.insert(key);
    }
    return keys;
}

std::optional<Nexthop> AddressKeys::find(std::string_view key) const {
    if (!all && named.empty()) return std::nullopt;
    auto nexthop = Nexthop::parse_address(key);
    if (!nexthop || (!all && !named.contains(nexthop->key()))) return std::nullopt;
    return *std::move(nexthop);
}

std::string to_string(const verdict::Override& says) {
    switch (says.kind) {
    case verdict::Override::Kind::policy:
        return says.policy;
    case verdict::Override::Kind::ignore:
        return "ignore";
    case verdict::Override::Kind::sts_only:
        return "sts-only";
    case verdict::Override::Kind::sealed:
        return "sealed";
    }
    return {};
}

std::string until_text(WallTime until) {
    const auto day = std::chrono::floor<std::chrono::days>(until);
    if (day != until) return rfc3339(until);
    return rfc3339(until - std::chrono::days(1)).substr(0, std::string_view("2027-01-31").size());
}

std::vector<std::string> Overrides::differences(const Overrides& other) const {
    std::set<std::string> keys;
    const auto note = [&keys](const Overrides& one, const Overrides& another) {
        for (const auto& [key, entry] : one.entries_) {
            const auto found = another.entries_.find(key);
            // Where it stands and why is not a difference.
            if (found == another.entries_.end() || found->second.says != entry.says ||
                found->second.until != entry.until)
                keys.insert(key);
        }
    };
    note(*this, other);
    note(other, *this);
    return {keys.begin(), keys.end()};
}

} // namespace postseal::engine
