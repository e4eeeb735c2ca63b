// log/sink.h: writes lines to a descriptor or to the journal, and waits for them as long as it may
//
// A reader that is slow or stands still makes write() wait, until it reads on or hurry() has been
// called: from then on all that is left has one second together. The descriptor stays as it is
// (others share it), so nothing makes it non-blocking: what poll(2) says it takes is PIPE_BUF.
// Thread: write() is for one thread, hurry() for any.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "log/journal.h"
#include "postseal/base/time.h"

#include <atomic>
#include <string>
#include <string_view>

namespace postseal::log {

struct Line {
    std::string text;  // with its newline
    std::string entry; // for the journal; empty: `text` goes to the descriptor

    [[nodiscard]] std::size_t octets() const { return text.size() + entry.size(); }
};

class Sink {
  public:
    Sink(int fd, std::string journal_path) : fd_(fd), journal_(std::move(journal_path)) {}

    // An entry that the journal does not take goes to the descriptor as text.
    void write(const Line& line);
    void hurry();

  private:
    [[nodiscard]] bool to_journal(std::string_view entry);
    void to_descriptor(std::string_view text);
    [[nodiscard]] bool writable(int fd) const;

    int fd_;
    Journal journal_;
    std::atomic<MonoTime> end_{MonoTime::max()};
};

} // namespace postseal::log
