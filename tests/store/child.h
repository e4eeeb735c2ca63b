// store/child.h: tests that need a process of their own: one that dies, or has a disk of its own
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace postseal::test {

// Runs `body` in a child with a file system of `size` octets mounted on `folder`, which nobody else
// sees. What it returns; "child died" if it did; nothing if the system does not let us mount.
[[nodiscard]] std::optional<std::string> with_own_disk(const std::string& folder, std::size_t size,
                                                       const std::function<std::string()>& body);
// In such a child: whether its file system can be written.
[[nodiscard]] bool set_read_only(const std::string& folder, bool read_only);

// Says so on standard error, for whoever reads the test's output.
void skipped(const char* why);

} // namespace postseal::test
