// cli/keys.h: destinations as an operator names them
//
// As Postfix asks, or as they are pasted from mailq: "user@example.com", "<user@example.com>", of
// which the domain counts. "-" stands for the keys of standard input, one a line or several.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"

#include <expected>
#include <string>
#include <vector>

namespace postseal::cli {

struct Key {
    std::string key;
    std::string note; // what was made of the word; empty: it is as it was written

    friend bool operator==(const Key&, const Key&) = default;
};

// The key that a word names. Errors: why it is not a destination, with the character; status 64. An
// address literal is a destination, though one without a promise.
[[nodiscard]] std::expected<Key, ClientError> key_of(const std::string& word);

// The key alone; the note goes to standard error.
[[nodiscard]] std::expected<std::string, ClientError> named_key(const std::string& word);

// The words, with those of standard input in the place of "-". Errors: reading.
[[nodiscard]] std::expected<std::vector<std::string>, ClientError>
words_of(const std::vector<std::string>& words);

} // namespace postseal::cli
