// serve/socket_file.h: the file of a unix socket, held by its descriptor
//
// Owner, group and mode are set on the descriptor, never by the name: whoever may write to the
// folder can put another file in its place at any moment.
// Errors: one sentence that names the file and how to fix it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/socket.h"

#include <sys/types.h>

#include <expected>
#include <string>

namespace postseal::serve {

class SocketFile {
  public:
    // Of the listening socket `bound`, whose file is at `path`.
    [[nodiscard]] static std::expected<SocketFile, std::string> open(int bound,
                                                                     const std::string& path);
    // Gives it the configured owner, group and mode, where they differ.
    [[nodiscard]] std::expected<void, std::string> set_owner(const config::Listen& listen) const;
    // As they were at open().
    void restore() const;

  private:
    SocketFile(Fd file, std::string path, uid_t uid, gid_t gid, mode_t mode)
        : file_(std::move(file)), path_(std::move(path)), uid_(uid), gid_(gid), mode_(mode) {}

    Fd file_; // O_PATH
    std::string path_;
    uid_t uid_;
    gid_t gid_;
    mode_t mode_;
};

// Not a folder where anybody may put another socket in the place of ours.
[[nodiscard]] std::expected<void, std::string> check_folder(const std::string& path);

} // namespace postseal::serve
