// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/policy_notes.h"

#include "postseal/base/domain.h"
#include "postseal/base/nearest.h"
#include "postseal/base/text.h"
#include "postseal/mtasts/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postseal::mtasts {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
const std::vector<std::string> known_keys = {"version", "mode", "mx", "max_age"};

class Notes {
  public:
    void add(std::size_t line, const std::string& text) {
        notes_.push_back({.line = line, .text = printable(text, 300)});
    }
    [[nodiscard]] std::vector<PolicyNote> take() { return std::move(notes_); }

  private:
    std::vector<PolicyNote> notes_;
};

// A key that somebody may have meant; none for one that is known or like none.
std::optional<std::string> meant_key(std::string_view key) {
    if (std::ranges::find(known_keys, key) != known_keys.end()) return std::nullopt;
    for (const std::string& known : known_keys)
        if (equals_ignoring_case(key, known)) return known;
    // "mx1", "nmx": one octet more; of so short a key anything else is another word.
    if (key.size() == 3 && (lower_ascii(key).starts_with("mx") || lower_ascii(key).ends_with("mx")))
        return "mx";
    const auto known = key.size() < 4 ? std::nullopt : nearest(lower_ascii(key), known_keys);
    return known && known->front() == lower_ascii(key).front() ? known : std::nullopt;
}

void note_mx(std::string_view value, std::size_t number, Notes& notes) {
    if (value.contains(','))
        notes.add(number, "a list of hosts: each host needs an mx line of its own");
    else if (value.find_first_of(" \t") != std::string_view::npos && !value.contains('#'))
        notes.add(number, "more than one word: each host needs an mx line of its own");
    if (value.ends_with('.'))
        notes.add(number, "a dot at the end: write the name without it (RFC 5321 section 4.1.2)");
}

// A line without its end; not a blank one.
void note_line(std::string_view line, std::size_t number, Notes& notes) {
    if (line.starts_with('#') || line.starts_with(';') || line.starts_with("//")) {
        notes.add(number, "a comment: a policy file has none; delete the line");
        return;
    }
    if (line.front() == ' ' || line.front() == '\t')
        notes.add(number, fmt::format("a {} before the key: begin the line with the key",
                                      line.front() == '\t' ? "tab" : "blank"));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        if (line.contains('='))
            notes.add(number, "\"=\" where \":\" belongs: write \"key: value\"");
        return;
    }
    const auto key = trim(line.substr(0, colon));
    const auto value = trim(line.substr(colon + 1));
    if (const auto meant = meant_key(key))
        notes.add(number, fmt::format("{} is an unknown key and is ignored: did you mean \"{}\"?",
                                      in_quotes(key), *meant));
    if (line.contains('\t') && line.front() != '\t')
        notes.add(number, value.contains('\t')
                              ? "a tab inside of the value: no value has one"
                              : "a tab beside the value: RFC 8461 section 3.2 allows it, not every "
                                "sender does; write a blank");
    if (value.contains('#'))
        notes.add(number, "\"#\" does not begin a comment here: it is part of the value");
    if (key == "mx") note_mx(value, number, notes);
}

// The line for all senders.
std::string what_to_write(std::string_view mx) {
    const std::string_view wildcard = mx.starts_with("*.") ? "*." : "";
    const auto domain = Domain::parse(mx.substr(wildcard.size()));
    return domain ? fmt::format("; write \"mx: {}{}\"", wildcard, domain->name()) : std::string();
}

void note_meaning(const Policy& policy, Notes& notes) {
    for (const std::string& mx : policy.mx_without_host)
        notes.add(0, fmt::format("mx {} is not a host name: it matches no MX host", in_quotes(mx)));
    for (const std::string& mx : policy.mx_converted)
        notes.add(0, fmt::format("mx {} is not written in A-labels (xn--...): the daemon converts "
                                 "it, other senders drop the policy{}",
                                 in_quotes(mx), what_to_write(mx)));
    if (policy.mode != Mode::none && policy.mx.empty())
        notes.add(0, "no mx line names a host: no MX host matches, and mail is deferred");
    if (policy.mode == Mode::none) {
        if (!policy.mx.empty()) notes.add(0, "mode is none: the mx lines mean nothing");
    } else if (policy.max_age == 0s) {
        notes.add(0,
                  fmt::format("max_age is 0: the policy has expired as soon as it is fetched, so "
                              "no sender has mode {}; RFC 8461 section 3.2 wants weeks",
                              to_string(policy.mode)));
    } else if (policy.max_age < 24h) {
        notes.add(0, "max_age is less than a day: senders forget the policy between two mails (RFC "
                     "8461 section 3.2 wants weeks)");
    }
}

} // namespace

std::vector<PolicyNote> policy_notes(std::string_view text) {
    Notes notes;
    const auto policy = parse_policy(text);
    if (text.starts_with(byte_order_mark)) {
        notes.add(1, "a byte order mark at the front: save the file as UTF-8 without one");
        text.remove_prefix(byte_order_mark.size());
    }
    for (std::size_t number = 1; !text.empty(); number++) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!trim(line).empty()) note_line(line, number, notes);
    }
    if (policy) note_meaning(*policy, notes);
    return notes.take();
}

} // namespace postseal::mtasts
