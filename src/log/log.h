// log/log.h: one line an event, to standard error or to the journal
//
//   2026-11-22T15:04:05.123Z warning downgrade domain=example.com old=enforce new=none
//
// Levels: a healthy day is quiet. error: something does not work until somebody acts; warning: an
// operator should look; info: rare (start, end, reload, a changed verdict); debug: each lookup.
//
// Above debug a kind of event fills at most ten lines a minute (log/rate.h); when the minute is
// over, one more line says how many were held back: "warning downgrade suppressed=4711". With level
// = debug nothing is held back.
//
// write() never waits: a thread writes, from a queue of at most `octets`. What does not fit is
// counted, and told in a line "lines-lost" when the reader goes on. The destructor writes what is
// left, for at most a second.
// Thread-safe.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/journal.h"
#include "log/line.h"
#include "log/options.h"
#include "log/rate.h"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace postseal {

// Where the lines go, and how many.
struct LogOutput {
    int fd = 2;
    // The journal reads what is written there: a line begins with its priority ("<4>",
    // sd-daemon(3)), and has no time, because the journal has one.
    bool journal_reads = false;
    // Whoever calls it reads its messages: a line begins with the program's name, and has no time.
    std::string program;
    std::string journal_socket{log::journal_socket};
    log::Rate::Limits rate;
    std::size_t octets = std::size_t{1} << 20U;
};

class Log {
  public:
    using Level = log::Level;
    using Field = log::Field;

    // The format "journal" where there is none: a warning, and text to the descriptor.
    explicit Log(const log::Options& options, const LogOutput& output = {});
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();
    void reconfigure(const log::Options& options);

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

} // namespace postseal
