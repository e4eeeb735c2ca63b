// service/predecessor.h: the daemon that we take over from (postseald --take-over)
//
// It hands over its listening sockets and serves on until end(), so that whatever fails before
// leaves it at work. end() tells it to end and waits until it has, for the store is one's own;
// who connects meanwhile waits in the sockets' queues.
// One that dies, or is ended by somebody else, at any moment of this has ended: we go on. Which
// process that is, the kernel says, and it must be root's, ours or the configured user's.
// Blocks.
// Errors: one sentence each.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/inherited.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::service {

class Predecessor {
  public:
    // By its admin socket; nothing: nobody listens there. `user`: of the configuration.
    [[nodiscard]] static std::expected<std::optional<Predecessor>, std::string>
    find(const std::string& socket, const std::string& user);

    // What it handed over.
    [[nodiscard]] serve::Inherited& listeners() { return listeners_; }
    // What nobody has taken of them is closed then, with its file.
    [[nodiscard]] std::expected<void, std::string> end();

  private:
    struct Fault {
        bool over = false; // the conversation: it may have ended
        std::string text;
    };
    Predecessor(std::string socket, async::Fd connection);
    // Error: it is not to be believed.
    [[nodiscard]] std::expected<void, std::string> check_owner(const std::string& user) const;
    [[nodiscard]] std::expected<void, Fault> ask(const char* command);
    [[nodiscard]] std::expected<void, Fault> send(const std::string& line);
    // A line; descriptors that come with it are added to passed_.
    [[nodiscard]] std::expected<std::string, Fault> receive();
    [[nodiscard]] bool has_ended() const; // waits for it

    std::string socket_;
    async::Fd connection_;
    async::Fd process_; // readable when it has ended
    std::vector<async::Fd> passed_;
    serve::Inherited listeners_;
};

// Until no other process has locked the folder of the store any more, some seconds at most: one
// that was told to end before we asked may still be at work.
void await_store(const std::string& folder);

} // namespace postseal::service
