// log/journal.h: systemd's journal: is it there, does it read our standard error, take this entry
//
// Entries go out as datagrams, as systemd's "Native Journal Protocol" says; sd_journal_sendv(3)
// does the same, but waits without limit for a journal that is behind, and says nothing when there
// is none.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace postseal::log {

inline constexpr std::string_view journal_socket = "/run/systemd/journal/socket";

// Whether `fd` is what systemd has named in JOURNAL_STREAM (systemd.exec(5)); null: it has not.
[[nodiscard]] bool is_journal(int fd, const char* journal_stream);

class Journal {
  public:
    explicit Journal(std::string path) : path_(std::move(path)) {}
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() { close(); }

    // Connects anew. Errors: a sentence with the socket's path.
    [[nodiscard]] std::expected<void, std::string> open();
    enum class Sent { yes, full, no };
    // Never blocks. `full`: poll descriptor() for POLLOUT. `no`: there is no journal.
    [[nodiscard]] Sent send(std::string_view entry);
    [[nodiscard]] int descriptor() const { return fd_; }

  private:
    void close();
    std::string path_;
    int fd_ = -1;
};

} // namespace postseal::log
