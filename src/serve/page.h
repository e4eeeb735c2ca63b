// serve/page.h: the files of the status page, as they are in src/serve/page
//
// Made part of the program by meson (embed.py). The page asks for nothing from elsewhere.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace postseal::serve {

struct PageFile {
    std::string_view path;
    std::string_view type; // Content-Type
    std::string_view content;
};

// Null: the page has no such file.
[[nodiscard]] const PageFile* page_file(std::string_view path);

} // namespace postseal::serve
