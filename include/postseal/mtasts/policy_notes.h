// mtasts/policy_notes.h: what is perhaps not meant in a policy file, for whoever publishes it
//
// Of a good policy and of a bad one: a fault says what the grammar refuses, a note which mistake is
// behind it. The daemon honours what it can; notes are as strict as RFC 8461 section 3.2.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::mtasts {

struct PolicyNote {
    std::size_t line = 0; // from 1; 0: the file as a whole
    std::string text;     // one clause, printable

    friend bool operator==(const PolicyNote&, const PolicyNote&) = default;
};

// In the order of the lines; those of the whole file last. One of a kind and line.
[[nodiscard]] std::vector<PolicyNote> policy_notes(std::string_view text);

} // namespace postseal::mtasts
