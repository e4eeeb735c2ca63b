// log/options.h: how much is logged, and in which form
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/names.h"

namespace postseal::log {

enum class Level { error, warning, info, debug };
inline constexpr auto level_names = names_for<Level>({
    {Level::error, "error"},
    {Level::warning, "warning"},
    {Level::info, "info"},
    {Level::debug, "debug"},
});

enum class Format { text, json, journal };
inline constexpr auto format_names = names_for<Format>(
    {{Format::text, "text"}, {Format::json, "json"}, {Format::journal, "journal"}});

struct Options {
    Level level = Level::info;
    Format format = Format::text;

    friend bool operator==(const Options&, const Options&) = default;
};

} // namespace postseal::log
