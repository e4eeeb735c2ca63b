// SPDX-License-Identifier: BSD-3-Clause
#include "cli/overrides_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace postseal::cli;

TEST_CASE("cli/overrides_file: an entry changes in its place, all else stays") {
    const std::string text = "# partners\na.example may\n  # why\n  match\nb.example encrypt # b\n";
    CHECK(with_entry(text, 2, "a.example dane") ==
          "# partners\na.example dane\n  # why\nb.example encrypt # b\n");
    CHECK(with_entry(text, 5, "b.example may") ==
          "# partners\na.example may\n  # why\n  match\nb.example may\n");
    CHECK(without_entry(text, 2) == "# partners\n  # why\nb.example encrypt # b\n");
    CHECK(without_entry(text, 5) == "# partners\na.example may\n  # why\n  match\n");
}

TEST_CASE("cli/overrides_file: a new one stands at the end, on a line of its own") {
    CHECK(with_entry("", 0, "a may") == "a may\n");
    CHECK(with_entry("b may", 0, "a may") == "b may\na may\n");
    CHECK(with_entry("# x\n\n", 0, "a may") == "# x\n\na may\n");
}

TEST_CASE("cli/overrides_file: a file is replaced with its mode, through a link, or not at all") {
    const auto folder = std::filesystem::temp_directory_path() /
                        ("postseal-overrides." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    const auto file = folder / "overrides";
    const auto link = folder / "link";
    const auto content = [&] {
        std::ostringstream out;
        out << std::ifstream(file).rdbuf();
        return out.str();
    };
    REQUIRE(replace_file(file, "a may\n").has_value());
    CHECK(content() == "a may\n");
    ::chmod(file.c_str(), 0640);
    std::filesystem::create_symlink(file, link);
    REQUIRE(replace_file(link, "b may\n").has_value());
    CHECK(content() == "b may\n");
    CHECK(std::filesystem::is_symlink(link));
    struct stat status{};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0640);
    CHECK_FALSE(replace_file(folder / "nowhere" / "overrides", "x").has_value());
    CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 2);
    std::filesystem::remove_all(folder);
}
