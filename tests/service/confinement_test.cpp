// SPDX-License-Identifier: BSD-3-Clause
#include "service/confinement.h"

#include "serve/folder.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

using namespace postseal;
using namespace postseal::service;

namespace {

struct Files : test::Folder {
    const std::string file = path / "postseal.toml";
    void write(const std::string& text) const { std::ofstream(file) << text; }
    // What a start with the file as it is now is granted.
    [[nodiscard]] Access granted() const { return needed_access(config::load(file).value(), file); }
};

} // namespace

TEST_CASE("confinement: a reload within what the start was granted is read") {
    const Files files;
    files.write("");
    const Access granted = files.granted();
    files.write("threads = 2\n");
    CHECK(load_within(files.file, granted).value().threads == 2);
}

TEST_CASE("confinement: a reload that needs another folder is refused, and names it") {
    const Files files;
    files.write("");
    const Access granted = files.granted();
    files.write("[https]\nca_file = \"/elsewhere/ca.pem\"\n");
    const auto refused = load_within(files.file, granted);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().starts_with("/elsewhere is outside of what this process"));
    CHECK(refused.error().ends_with("restart it"));
    // Without a sandbox all that its user may open can be named.
    CHECK(load_within(files.file, std::nullopt));
}

TEST_CASE("confinement: what only a restart can change does not refuse a reload") {
    const Files files;
    files.write("");
    const Access granted = files.granted();
    files.write("store = \"postgresql://db.example/p?sslrootcert=/elsewhere/ca.pem\"\n"
                "[sandbox]\nread = [\"/elsewhere\"]\n");
    CHECK(load_within(files.file, granted));
}

TEST_CASE("confinement: a fault of the file is told with its place") {
    const Files files;
    files.write("thread = 2\n");
    const auto refused = load_within(files.file, std::nullopt);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().contains("postseal.toml:1"));
}
