// https/media_type.h: a Content-Type that a policy may have (RFC 8461 section 3.3)
//
// text/plain, in any case, with any parameters, which are ignored. Where a server sends the field
// twice, or something on the way has joined the two by a comma (RFC 9110 section 5.3), the first
// counts: it is the server's own, the second an add_header beside it. RFC 9110 section 8.3 knows
// the mistake and leaves the choice to the recipient.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace postseal::https {

[[nodiscard]] bool is_text_plain(std::string_view content_type);

} // namespace postseal::https
