// service/predecessor.h: the daemon that we take over from (postseald --take-over)
//
// It hands over its listening sockets and serves on until end(), so that whatever fails before
// leaves it at work. end() tells it to end and waits until it has, for the store is one's own;
// who connects meanwhile waits in the sockets' queues.
// Blocks. Errors: one sentence each.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/inherited.h"

#include <expected>
#include <optional>
#include <string>

namespace postseal::service {

class Predecessor {
  public:
    // By its admin socket; nothing: nobody listens there.
    [[nodiscard]] static std::expected<std::optional<Predecessor>, std::string>
    find(const std::string& socket);

    // What it handed over.
    [[nodiscard]] serve::Inherited& listeners() { return listeners_; }
    // What nobody has taken of them is closed then, with its file.
    [[nodiscard]] std::expected<void, std::string> end();

  private:
    Predecessor(std::string socket, serve::Fd connection);
    [[nodiscard]] std::expected<void, std::string> ask_for_listeners();
    [[nodiscard]] std::expected<void, std::string> send(const std::string& command);
    // A reply that is not {"ok":true} is an error.
    [[nodiscard]] std::expected<void, std::string> receive(std::vector<serve::Fd>& passed);

    std::string socket_;
    serve::Fd connection_;
    serve::Fd process_; // readable when it has ended
    serve::Inherited listeners_;
};

} // namespace postseal::service
