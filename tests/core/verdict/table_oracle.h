// verdict/table_oracle.h: the decision table written another way than in the program
//
// Every set of host letters is looked up in a list, and each row's two words are spelt out.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace postseal::test {

inline int row_by_list(const verdict::Evidence& evidence) {
    using namespace verdict;
    std::set<char> seen;
    for (const Host& host : evidence.mx.hosts)
        if (host.state != HostState::no_address) seen.insert(letter(host.state));
    if (evidence.mx.beyond > 0) seen.insert('F');
    if (evidence.mx.addresses > 0) seen.insert('N');
    const std::string letters(seen.begin(), seen.end()); // in the order F N U X
    static const std::map<std::string, int> secure{
        {"", 2},    {"U", 6},   {"FU", 7},   {"F", 8},    {"FX", 8}, {"FN", 8},
        {"FUX", 8}, {"FNU", 8}, {"FNX", 8},  {"FNUX", 8}, {"X", 9},  {"UX", 9},
        {"NU", 10}, {"NX", 10}, {"NUX", 10}, {"N", 11},
    };
    switch (evidence.mx.state) {
    case MxState::null_mx:
    case MxState::nxdomain:
        return 2;
    case MxState::bogus:
        return 3;
    case MxState::failed:
        return evidence.remembered == Remembered::no_dane ? 4 : 5;
    case MxState::secure:
        return secure.at(letters);
    case MxState::insecure:
        return letters.empty() ? 2 : letters == "N" ? 13 : 12;
    }
    return 0;
}

inline std::string_view word_of_row(int row, bool enforced, verdict::Mixed mixed) {
    using namespace verdict;
    static constexpr std::string_view with[] = {
        "",          "override", "secure", "tempfail", "secure", "tempfail", "dane-only",
        "dane-only", "tempfail", "secure", "mixed",    "secure", "secure",   "secure"};
    static constexpr std::string_view without[] = {"",     "override",  "may",  "tempfail", "may",
                                                   "dane", "dane-only", "dane", "dane",     "dane",
                                                   "dane", "may",       "dane", "may"};
    const auto word = (enforced ? with : without)[row];
    if (word != "mixed") return word;
    return mixed == Mixed::mta_sts ? "secure" : mixed == Mixed::dane ? "dane" : "dane-only";
}

// "secure", "dane-only", "dane", "may" or "tempfail". `enforced`: an MTA-STS policy counts. Not for
// what has an override.
inline std::string_view table_says(const verdict::Evidence& evidence,
                                   const verdict::Options& options, bool enforced) {
    using verdict::DefaultLevel;
    using verdict::MxState;
    auto word = word_of_row(row_by_list(evidence), enforced, options.mixed);
    // Rows 5 and 8 defer for the sake of a DANE that Postfix then cannot do.
    const bool for_dane =
        word.starts_with("dane") || (word == "tempfail" && evidence.mx.state != MxState::bogus);
    if (!options.postfix_dnssec && for_dane) word = enforced ? "secure" : "may";
    const bool strict = options.default_level != DefaultLevel::none &&
                        options.default_level != DefaultLevel::may &&
                        options.default_level != DefaultLevel::dane;
    if (strict && word == "dane") word = "may";
    return word;
}

inline std::string_view word_of(const verdict::Verdict& verdict) {
    return verdict.level == verdict::Level::none_said ? to_string(verdict.cls)
                                                      : to_string(verdict.level);
}

} // namespace postseal::test
