// doctor/finding.h: what the doctor has found, and how to fix it
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postseal::doctor {

enum class Severity { ok, warning, problem };
[[nodiscard]] std::string_view to_string(Severity severity);

// How to fix it by itself: several are taken together.
struct Fix {
    std::string file;  // where the line belongs; empty: `line` is a command
    std::string table; // of a TOML file: "[verdict]", or "[[listen]] of ADDRESS"
    std::string line;

    friend bool operator==(const Fix&, const Fix&) = default;
};

struct Finding {
    Severity severity = Severity::ok;
    std::string check; // its name, see postseal(1)
    std::string what;
    std::string why; // empty: ok
    std::vector<Fix> fix;

    friend bool operator==(const Finding&, const Finding&) = default;
};

} // namespace postseal::doctor
