// serve/inherited.h: listening sockets that somebody else has bound
//
// By the service manager (socket activation, file descriptor store) or the daemon that is taken
// over. They are known by their address, not by their order; of two for one address the first
// counts. What nobody takes is closed with the object.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/socket.h"

#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <vector>

namespace postseal::serve {

class Inherited {
  public:
    // Whether whom they come from keeps them too, and with them the files of unix sockets.
    enum class From { keeper, gone };
    explicit Inherited(From from = From::gone) : from_(from) {}
    // Error: why it is of no use; it is closed then.
    [[nodiscard]] std::expected<void, std::string> add(Fd fd);
    // By config::Address's text, in numbers; not valid: there is none.
    [[nodiscard]] Fd take(const std::string& address);
    [[nodiscard]] From from() const { return from_; }
    [[nodiscard]] std::size_t size() const { return sockets_.size(); }
    // What nobody has taken.
    [[nodiscard]] std::vector<std::string> addresses() const;

  private:
    From from_;
    std::map<std::string, Fd> sockets_;
};

} // namespace postseal::serve
