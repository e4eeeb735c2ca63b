// http/parser.h: the framing of one HTTP/1.x message (RFC 9112), told to whoever judges it
//
// feed() takes the octets as they come, in pieces of any size, and calls the listener; a field is
// told whole, trailers are not. After a listener has said `stop`, or feed() has been false, it must
// not be called again.
// Made of llhttp or http-parser, which no other file includes.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::http {

enum class Method { get, head, other };

// What the first line and the fields said of the message as a whole.
struct Head {
    unsigned major = 0; // of the version
    unsigned minor = 0;
    unsigned status = 0;           // of a response
    Method method = Method::other; // of a request
    bool keep_alive = false;
    std::optional<std::uint64_t> content_length; // llhttp says 0 where there is none
};

class Listener {
  public:
    enum class Next { go_on, no_body, stop }; // no_body: on_head() only
    virtual ~Listener() = default;
    virtual Next on_target(std::string_view) { return Next::go_on; } // of a request, in pieces
    virtual Next on_field(std::string_view name,
                          std::string_view value) = 0; // without blanks around
    virtual Next on_head(const Head& head) = 0;
    virtual Next on_body(std::string_view) { return Next::stop; } // in pieces
    virtual Next on_end() { return Next::stop; }
};

class Parser {
  public:
    enum class Kind { request, response };
    Parser(Kind kind, Listener& listener);
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser();

    // False: it has stopped, because the listener said so or because error() is not empty.
    bool feed(std::string_view octets);
    // The peer has closed; on_end() may be called. False: the message is not complete.
    bool end();
    [[nodiscard]] const std::string& error() const; // the library's words

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace postseal::http
