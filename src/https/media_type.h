// https/media_type.h: a Content-Type that a policy may have (RFC 8461 section 3.3)
//
// text/plain, in any case, with any parameters, which are ignored. Two Content-Type fields joined
// by a comma are no media type (RFC 9110 section 8.3). SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace postseal::https {

[[nodiscard]] bool is_text_plain(std::string_view content_type);

} // namespace postseal::https
