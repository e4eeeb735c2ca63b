// SPDX-License-Identifier: BSD-3-Clause
#include "dns/zone_text.h"

#include "postseal/base/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace postseal::dns {
namespace {

struct Line {
    std::size_t number = 0;
    bool indented = false; // the owner is left out
    std::vector<std::string> words;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Lines with comments gone and parentheses joined.
std::vector<Line> logical_lines(std::string_view text) {
    std::vector<Line> out;
    Line line{.number = 1, .words = {}};
    std::size_t number = 1;
    bool inside = false;
    bool comment = false;
    bool fresh = true; // nothing of the line seen yet
    std::string word;
    const auto end_word = [&] {
        if (!word.empty()) line.words.push_back(std::exchange(word, {}));
    };
    for (const char c : text) {
        if (c == '\n') {
            comment = false;
            number++;
            end_word();
            if (inside) continue;
            if (!line.words.empty()) out.push_back(std::move(line));
            line = Line{.number = number, .words = {}};
            fresh = true;
            continue;
        }
        if (comment) continue;
        if (fresh && is_blank(c)) line.indented = true;
        fresh = false;
        if (c == ';')
            comment = true;
        else if (c == '(' || c == ')')
            inside = c == '(';
        else if (!is_blank(c))
            word += c;
        if (comment || c == '(' || c == ')' || is_blank(c)) end_word();
    }
    end_word();
    if (!line.words.empty()) out.push_back(std::move(line));
    return out;
}

bool is_ttl_or_class(std::string_view word) {
    return is_digit(word.front()) || word == "IN" || word == "in";
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

} // namespace

std::vector<ZoneRecord> zone_records(std::string_view text) {
    std::vector<ZoneRecord> out;
    std::string owner;
    for (Line& line : logical_lines(text)) {
        auto word = line.words.begin();
        if (word->starts_with('$')) continue;
        if (!line.indented) {
            owner = lower_ascii(*word++);
            if (owner.ends_with('.')) owner.pop_back();
        }
        word = std::find_if_not(word, line.words.end(), is_ttl_or_class);
        ZoneRecord record{.line = line.number, .owner = owner, .type = {}, .fields = {}};
        if (word != line.words.end()) record.type = upper(*word++);
        record.fields.assign(word, line.words.end());
        out.push_back(std::move(record));
    }
    return out;
}

std::expected<std::string, std::string> read_zone_file(const std::string& path) {
    const auto last_error = [] { return std::generic_category().message(errno); };
    struct File {
        int fd;
        explicit File(int f) : fd(f) {}
        File(const File&) = delete;
        File& operator=(const File&) = delete;
        ~File() {
            if (fd >= 0) ::close(fd);
        }
    };
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) return std::unexpected(last_error());
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto got = ::read(file.fd, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(last_error());
        if (got == 0) break;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    return text;
}

} // namespace postseal::dns
