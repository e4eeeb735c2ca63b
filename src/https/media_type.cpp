// SPDX-License-Identifier: BSD-3-Clause
#include "https/media_type.h"

#include "postseal/base/text.h"

namespace postseal::https {

bool is_text_plain(std::string_view content_type) {
    return equals_ignoring_case(trim(content_type.substr(0, content_type.find_first_of(";,"))),
                                "text/plain");
}

} // namespace postseal::https
