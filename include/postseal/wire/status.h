// wire/status.h: what a scan of the front of a stream has found
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace postseal::wire {

// incomplete: keep the octets and scan again when more have come. malformed: the stream cannot be
// trusted from here on, close the connection.
enum class Status { frame, incomplete, malformed };

} // namespace postseal::wire
