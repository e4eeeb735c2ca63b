// serve/folder.h: a folder for sockets, gone with the test
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace postseal::test {

struct Folder {
    Folder() {
        std::string text = std::filesystem::temp_directory_path() / "postseal-XXXXXX";
        path = ::mkdtemp(text.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

} // namespace postseal::test
