// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_conf.h"

#include "dns/server_address.h"
#include "dns/zone_text.h"

#include <glob.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace postseal::dns {
namespace {

constexpr int max_depth = 10; // of files that include files
constexpr std::string_view blanks = " \t\r\n";

// A keyword ends in a colon and need not be followed by a blank.
std::vector<std::string> conf_words(std::string_view text) {
    std::vector<std::string> words;
    for (;;) {
        const auto begin = text.find_first_not_of(blanks);
        if (begin == std::string_view::npos) return words;
        text.remove_prefix(begin);
        const char first = text.front();
        std::size_t length = 0;
        if (first == '#') {
            text.remove_prefix(std::min(text.find('\n'), text.size()));
            continue;
        }
        if (first == '"' || first == '\'') {
            text.remove_prefix(1);
            length = std::min(text.find(first), text.size());
            words.emplace_back(text.substr(0, length));
            text.remove_prefix(std::min(length + 1, text.size()));
            continue;
        }
        length = std::min(text.find_first_of(blanks), text.size());
        const auto colon = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-");
        if (colon != 0 && colon < length && text[colon] == ':' &&
            text.substr(0, colon).find_first_not_of("0123456789abcdef") != std::string_view::npos)
            length = colon + 1;
        words.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
}

std::vector<std::string> files_matching(const std::string& pattern) {
    glob_t found{};
    const std::unique_ptr<glob_t, decltype(&globfree)> owned(&found, &globfree);
    std::vector<std::string> files;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; i++)
            files.emplace_back(found.gl_pathv[i]);
    return files;
}

void read_servers(NamedServers& named, const std::string& path, int depth) {
    const auto text = read_zone_file(path);
    if (!text || depth > max_depth) return;
    const std::vector<std::string> words = conf_words(*text);
    for (std::size_t i = 0; i + 1 < words.size(); i++) {
        const std::string& value = words[i + 1];
        if (words[i] == "stub-addr:" || words[i] == "forward-addr:") {
            // An address may be followed by # and the name of its certificate.
            if (const auto server = parse_server(value.substr(0, value.find('#'))))
                named.addresses.push_back(server->address);
        } else if (words[i] == "root-hints:") {
            named.root_hints.push_back(value);
        } else if (words[i] == "include:" || words[i] == "include-toplevel:") {
            for (const std::string& file : files_matching(value))
                read_servers(named, file, depth + 1);
        }
    }
}

} // namespace

NamedServers servers_in(const std::string& unbound_conf) {
    NamedServers named;
    if (!unbound_conf.empty()) read_servers(named, unbound_conf, 0);
    return named;
}

} // namespace postseal::dns
