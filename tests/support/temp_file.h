// support/temp_file.h: a file with a given text, gone when it leaves scope
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace postseal::test {

class TempFile {
  public:
    explicit TempFile(std::string_view text)
        : path_((std::filesystem::temp_directory_path() / "postseal-test-XXXXXX").string()) {
        const int fd = ::mkstemp(path_.data());
        if (fd < 0) throw std::runtime_error("no temporary file");
        ::close(fd);
        std::ofstream(path_) << text;
    }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    ~TempFile() { ::unlink(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

} // namespace postseal::test
