// survey/tables.h: can Postfix look something up in a table?
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"

#include <expected>
#include <optional>
#include <string>

namespace postseal::survey {

// By postmap(1) -q, for a key that no table has. `postconf`: of the Postfix meant; its postmap is
// beside it. Nothing: that is not there. Waits for 10 s at most.
[[nodiscard]] std::optional<doctor::Tried>
try_table(const std::string& postconf, const std::string& folder, const doctor::Table& table);

// What "postmap -q KEY TABLE" finds; nothing: no such key. Errors: why it cannot be looked up.
[[nodiscard]] std::expected<std::optional<std::string>, std::string>
look_up(const std::string& postconf, const std::string& folder, const std::string& table,
        const std::string& key);

} // namespace postseal::survey
