// tls/stream.h: the client's side of TLS on a connected, non-blocking socket
//
// TLS 1.2 or later with SNI; the handshake succeeds only if the certificate has a chain to the
// trust store, is in its period, is for TLS servers and names `host` in subjectAltName (RFC 8461
// section 3.3, RFC 6125; a wildcard is a whole leftmost label and covers one), and no key or
// signature of the chain is below web PKI's floor. An expired intermediate beside a good one of the
// same name does no harm. No resumption and no early data. For SMTP (opportunistic until somebody
// has judged, RFC 7672 section 8.2) any version and any certificate will do, and session() has what
// to judge. After an error only the destructor may be called. The descriptor and the Trust are
// borrowed or shared: close the socket after the stream. One call at a time.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "async/uv_loop.h"
#include "tls/fault.h"
#include "tls/trust.h"

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct gnutls_session_int;

namespace postseal::tls {

enum class Use { https, smtp };

class Stream {
  public:
    Stream(async::UvLoop& loop, std::shared_ptr<const Trust> trust, int fd, std::string host,
           Use use = Use::https);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    [[nodiscard]] async::Task<std::expected<void, Error>> handshake();
    // Octets read, 0: the peer has closed in TLS.
    [[nodiscard]] async::Task<std::expected<std::size_t, Error>> read(std::span<char> into);
    // All of `octets`, which must outlive the Task.
    [[nodiscard]] async::Task<std::expected<void, Error>> write(std::string_view octets);
    // Says close_notify if it can be sent at once; nobody waits for a peer that does not read.
    void bye();
    // GnuTLS's, for what it negotiated and what the server showed.
    [[nodiscard]] gnutls_session_int* session() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace postseal::tls
