// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/tables.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace postseal::doctor {
namespace {

constexpr std::string_view separators = ", \t\r\n";

// Up to a separator that is in no braces.
std::size_t length_of_word(std::string_view list) {
    int depth = 0;
    std::size_t end = 0;
    for (; end < list.size(); end++) {
        if (depth == 0 && separators.contains(list[end])) break;
        if (list[end] == '{') depth++;
        if (list[end] == '}' && depth > 0) depth--;
    }
    return end;
}

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

Endpoint host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(text.substr(colon + 1)), {}};
}

Table parse_table(std::string_view word) {
    Table table{.text = std::string(word)};
    table.proxied = take(word, "proxy:");
    if (take(word, "socketmap:")) {
        table.type = Table::Type::socketmap;
        const auto colon = word.rfind(':');
        if (colon == std::string_view::npos) return table;
        table.endpoint = parse_endpoint(word.substr(0, colon));
        table.map = word.substr(colon + 1);
    } else if (take(word, "tcp:")) {
        table.type = Table::Type::tcp;
        table.endpoint = host_and_port(word);
    } else if (const auto colon = word.find(':'); colon != std::string_view::npos) {
        table.kind = word.substr(0, colon);
        if (word.substr(colon + 1).starts_with('/')) table.file = word.substr(colon + 1);
    }
    return table;
}

} // namespace

std::string Endpoint::text() const {
    if (is_unix()) return "unix:" + path;
    if (host.empty()) return "";
    return host.contains(':') ? fmt::format("inet:[{}]:{}", host, port)
                              : fmt::format("inet:{}:{}", host, port);
}

Endpoint parse_endpoint(std::string_view text) {
    if (take(text, "unix:")) return {{}, {}, std::string(text)};
    return take(text, "inet:") ? host_and_port(text) : Endpoint();
}

std::vector<Table> parse_tables(std::string_view list) {
    std::vector<Table> out;
    while (true) {
        const auto begin = list.find_first_not_of(separators);
        if (begin == std::string_view::npos) return out;
        list.remove_prefix(begin);
        std::string_view word = list.substr(0, length_of_word(list));
        list.remove_prefix(word.size());
        std::string_view inside = word;
        take(inside, "proxy:");
        if ((take(inside, "unionmap:{") || take(inside, "pipemap:{")) && inside.ends_with('}')) {
            inside.remove_suffix(1);
            for (Table& table : parse_tables(inside)) {
                table.joined = true;
                out.push_back(std::move(table));
            }
        } else {
            out.push_back(parse_table(word));
        }
    }
}

std::string postmap_fault(std::string_view complaints) {
    std::string_view fault;
    while (!complaints.empty()) {
        const auto line = complaints.substr(0, complaints.find('\n'));
        complaints.remove_prefix(std::min(line.size() + 1, complaints.size()));
        for (const std::string_view level : {": fatal: ", ": panic: "})
            if (const auto at = line.find(level); at != std::string_view::npos)
                fault = line.substr(at + level.size());
    }
    return printable(fault, 300);
}

} // namespace postseal::doctor
