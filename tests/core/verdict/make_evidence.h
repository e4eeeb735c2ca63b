// verdict/make_evidence.h: evidence written short, for tables
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"

#include <chrono>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace postseal::test {

// 2026-06-01T12:00:00Z: the time of every test here.
inline constexpr WallTime noon =
    std::chrono::sys_days(std::chrono::year(2026) / 6 / 1) + std::chrono::hours(12);

// A table's word that must mean something.
template <class T> [[nodiscard]] T need(const std::optional<T>& parsed) {
    if (!parsed) throw std::runtime_error("a word in a table means nothing");
    return *parsed;
}

[[nodiscard]] Domain domain(std::string_view name);

// "UUF+2": hosts mx1, mx2, mx3 of example.com, and 2 beyond those looked up; "UU@1": 1
// MX record that names an address. "-": none.
[[nodiscard]] verdict::Mx mx(verdict::MxState state, std::string_view letters);

// A policy in force until 2026-12-01T00:00:00Z, id 2026, with the lines a server would send.
[[nodiscard]] mtasts::Policy policy(mtasts::Mode mode, std::initializer_list<const char*> mx);
[[nodiscard]] verdict::Sts in_force(mtasts::Policy policy);

// For example.com, no hosts, no policy.
[[nodiscard]] verdict::Evidence evidence_for(std::string_view nexthop);

} // namespace postseal::test
