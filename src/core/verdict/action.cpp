// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/action.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::verdict {
namespace {

// What may stand behind the word, smtpd_check.c check_table_result().
enum class Text { none, optional, header, destination, address };

struct Word {
    std::string_view word;
    Text text;
};

constexpr Word words[] = {
    {"DUNNO", Text::none},
    {"OK", Text::none},
    {"REJECT", Text::optional},
    {"DEFER", Text::optional},
    {"DEFER_IF_REJECT", Text::optional},
    {"DEFER_IF_PERMIT", Text::optional},
    {"HOLD", Text::optional},
    {"DISCARD", Text::optional},
    {"WARN", Text::optional},
    {"INFO", Text::optional},
    {"PREPEND", Text::header},
    {"FILTER", Text::destination},
    {"REDIRECT", Text::address},
    {"BCC", Text::address},
};

constexpr std::string_view known_words =
    "DUNNO, OK, REJECT, DEFER, DEFER_IF_REJECT, DEFER_IF_PERMIT, HOLD, DISCARD, WARN, INFO, "
    "PREPEND, FILTER, REDIRECT, BCC, or a code such as 550 and a text (access(5))";

// The longest that each can stand for: a domain name, a class, a reason.
constexpr std::size_t longest_domain = 253;
constexpr std::size_t longest_class = 8;
constexpr std::size_t longest_reason = 200;
constexpr std::size_t longest_action = 1000;

bool is_reply_code(std::string_view word) {
    return word.size() == 3 && (word[0] == '4' || word[0] == '5') && is_digit(word[1]) &&
           is_digit(word[2]);
}

// RFC 5322 section 2.2.
bool is_header(std::string_view text) {
    const auto colon = text.find(':');
    return colon != std::string_view::npos && colon > 0 &&
           std::ranges::none_of(text.substr(0, colon), [](char c) { return c == ' ' || c == '%'; });
}

const char* text_fault(Text kind, std::string_view text) {
    switch (kind) {
    case Text::none:
        return text.empty() ? nullptr : "takes no text";
    case Text::optional:
        return nullptr;
    case Text::header:
        return is_header(text) ? nullptr : "needs a header: \"PREPEND X-Name: text\"";
    case Text::destination:
        return text.find(':') != std::string_view::npos && text.front() != ':'
                   ? nullptr
                   : "needs a destination: \"FILTER transport:nexthop\"";
    case Text::address:
        return text.find('@') != std::string_view::npos && text.front() != '@' && text.back() != '@'
                   ? nullptr
                   : "needs an address: user@example.com";
    }
    return nullptr;
}

// As long as it can get; nothing: a "%" that stands for nothing.
std::optional<std::size_t> longest(std::string_view text) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            size++;
            continue;
        }
        switch (++i < text.size() ? text[i] : '\0') {
        case 'd':
            size += longest_domain;
            break;
        case 'c':
            size += longest_class;
            break;
        case 'r':
            size += longest_reason;
            break;
        case '%':
            size++;
            break;
        default:
            return std::nullopt;
        }
    }
    return size;
}

std::string expanded(std::string_view text, const Verdict& verdict, const Evidence& evidence) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
        case 'd':
            out += evidence.nexthop.domain.name();
            break;
        case 'c':
            out += to_string(verdict.cls);
            break;
        case 'r':
            if (!verdict.temp_reason.empty())
                out += printable(verdict.temp_reason, longest_reason);
            else if (!verdict.reasons.empty())
                out += printable(verdict.reasons.front(), longest_reason);
            break;
        default:
            out += text[i];
        }
    }
    return printable(out, longest_action);
}

bool in_doubt(const Verdict& verdict, const Evidence& evidence) {
    if (verdict.cls == Class::tempfail) return false;
    if (evidence.override_ && !evidence.override_->needs_lookup()) return false;
    const Sts& sts = evidence.sts;
    return evidence.partial || any_failed(evidence) || evidence.mx.beyond > 0 ||
           sts.record == RecordState::pending || sts.fetch == FetchState::failed ||
           sts.fetch == FetchState::pending || sts.unknown(evidence.obtained_at);
}

} // namespace

std::optional<std::string> action_fault(std::string_view text) {
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }))
        return "an action is one line of printable ASCII";
    const auto word = text.substr(0, text.find(' '));
    const auto rest = trim(text.substr(word.size()));
    const auto size = longest(text);
    if (!size) return "\"%\" stands before d, c, r or another % only: %d, %c, %r, %%";
    if (*size > longest_action)
        return fmt::format("may get longer than {} octets: shorten it", longest_action);
    if (is_reply_code(word)) {
        if (!rest.empty()) return std::nullopt;
        return fmt::format("\"{0}\" without a text means OK to Postfix: write \"{0} text\"", word);
    }
    const auto* known = std::ranges::find_if(
        words, [&](const Word& w) { return equals_ignoring_case(w.word, word); });
    if (known == std::end(words))
        return fmt::format("\"{}\" is not an action of Postfix: write {}", printable(word, 60),
                           known_words);
    if (const char* why = text_fault(known->text, rest))
        return fmt::format("{} {}", known->word, why);
    return std::nullopt;
}

std::string action_for(const Verdict& verdict, const Evidence& evidence, const Actions& actions) {
    if (in_doubt(verdict, evidence)) return std::string(dunno);
    return expanded(actions.of(verdict.cls), verdict, evidence);
}

} // namespace postseal::verdict
