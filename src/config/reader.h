// config/reader.h: one TOML table read key by key
//
// Each get names a key that may stand there; finish() makes every other key an error and names the
// table where it belongs, or the nearest key here. Errors are gathered, one of a line and key; what
// is wrong keeps its default. toml++ stays in config/.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "config/faults.h"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::config {

// Shared by all tables of one file.
struct Reading {
    std::string file;
    std::vector<Error> errors;
    std::vector<std::string> known; // every key asked for, dotted
    Lines lines;

    void fail(const toml::node* where, std::string key, std::string text);
};

class Reader {
  public:
    // `table` may be null: nothing of it is in the file.
    Reader(Reading& reading, const toml::table* table, std::string prefix);

    void text(std::string_view key, std::string& out);
    void flag(std::string_view key, bool& out);
    void texts(std::string_view key, std::vector<std::string>& out);
    void number(std::string_view key, std::size_t& out, std::size_t least, std::size_t most);
    // True: it was there and was good.
    bool duration(std::string_view key, milliseconds& out, milliseconds least, milliseconds most);
    void size(std::string_view key, std::size_t& out, std::size_t least);

    // A word of a table; `about` stands before the words that there are.
    template <class Enum, std::size_t count>
    void word(std::string_view key, Enum& out, const Names<Enum, count>& names,
              std::string_view about = "") {
        word<Enum>(
            key, out, [&](std::string_view text) { return names.find(text); },
            fmt::format("{}\"{}\"", about, fmt::join(names.all(), "\", \"")));
    }
    // A word with a meaning: `parse` gives nothing for what it does not know; `words` are listed
    // then.
    template <class T>
    void word(std::string_view key, T& out,
              const std::function<std::optional<T>(std::string_view)>& parse,
              std::string_view words) {
        const toml::node* node = take(key);
        const std::optional<std::string> value = as_text(node, key);
        if (!value) return;
        if (const std::optional<T> meaning = parse(*value))
            out = *meaning;
        else
            fail(node, key, "\"" + *value + "\" is not one of " + std::string(words));
    }

    // [key] or [[key]] below this table; null where there is none.
    const toml::table* table(std::string_view key);
    std::vector<const toml::table*> tables(std::string_view key);

    void fail(const toml::node* where, std::string_view key, std::string text);
    // The key's own node, for errors found later; the table's where it is not there.
    [[nodiscard]] const toml::node* node(std::string_view key) const;
    void finish();

  private:
    const toml::node* take(std::string_view key);
    std::optional<std::string> as_text(const toml::node* node, std::string_view key);
    [[nodiscard]] std::string dotted(std::string_view key) const;

    Reading& reading_;
    const toml::table* table_;
    std::string prefix_;
    std::vector<std::string> keys_;
};

} // namespace postseal::config
