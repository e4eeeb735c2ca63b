// log/log.h: one line an event on standard error
//
//   2026-11-22T15:04:05.123Z warning fetch-failed domain=example.com reason="404 Not Found"
//
// or the same as a JSON object a line. A value with blanks, quotes or control characters is quoted.
// Thread-safe. spdlog does the writing; its headers stay in log/.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace postseal {

class Log {
  public:
    using Level = config::LogLevel;
    using Field = std::pair<std::string_view, std::string>;

    explicit Log(const config::Log& options);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();
    void reconfigure(const config::Log& options);

    [[nodiscard]] bool wants(Level level) const;
    // `event` is a word in kebab-case; field names are words, values come from anywhere.
    void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

    void error(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(Level::error, event, fields);
    }
    void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(Level::warning, event, fields);
    }
    void info(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(Level::info, event, fields);
    }
    void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
        write(Level::debug, event, fields);
    }

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The text after the time stamp and level, in each form; for Log and its test.
[[nodiscard]] std::string text_line(std::string_view event,
                                    std::initializer_list<Log::Field> fields);
[[nodiscard]] std::string json_members(std::string_view event,
                                       std::initializer_list<Log::Field> fields);

} // namespace postseal
