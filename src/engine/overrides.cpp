// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"

#include "config/file.h"
#include "postseal/base/text.h"
#include "postseal/verdict/postfix_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

namespace postseal::engine {
namespace {

constexpr std::string_view blanks = " \t\r";

bool is_blank(std::string_view line) {
    return line.find_first_not_of(blanks) == std::string_view::npos;
}

// The logical lines of a texthash file, each with the number of its first physical line.
std::vector<std::pair<std::size_t, std::string>> logical_lines(std::string_view text) {
    std::vector<std::pair<std::size_t, std::string>> lines;
    for (std::size_t number = 1; !text.empty(); number++) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (is_blank(line) || line.front() == '#') continue;
        if (blanks.find(line.front()) != std::string_view::npos && !lines.empty())
            lines.back().second += line;
        else
            lines.emplace_back(number, line);
    }
    return lines;
}

std::expected<std::string, std::string> canonical(std::string_view key) {
    if (key.starts_with('.')) {
        auto domain = Domain::parse(key.substr(1));
        if (!domain) return std::unexpected(domain.error().text);
        return "." + domain->name();
    }
    auto nexthop = Nexthop::parse(key);
    if (!nexthop) return std::unexpected(nexthop.error().text);
    return nexthop->key();
}

} // namespace

std::optional<std::string> Overrides::add(std::string_view key, std::string_view policy) {
    auto name = canonical(key);
    if (!name) return fmt::format("\"{}\": {}", printable(key), name.error());
    if (policy.empty()) return fmt::format("\"{}\" has no policy behind it", printable(key));
    // What both forms take goes to every Postfix.
    if (auto read = verdict::read_postfix_policy(policy, verdict::Form::legacy); !read)
        return fmt::format("\"{}\": Postfix would refuse \"{}\": {}", printable(key),
                           printable(policy), read.error());
    if (!policies_.emplace(std::move(*name), policy).second)
        return fmt::format("\"{}\" is there already", printable(key));
    return std::nullopt;
}

std::expected<Overrides, std::string> Overrides::parse(std::string_view text,
                                                       const std::string& file) {
    Overrides overrides;
    for (const auto& [number, line] : logical_lines(text)) {
        const std::string_view whole = trim(line);
        const auto gap = whole.find_first_of(blanks);
        const std::string_view key = whole.substr(0, gap);
        std::string_view policy =
            gap == std::string_view::npos ? std::string_view() : whole.substr(gap);
        while (!policy.empty() && blanks.find(policy.front()) != std::string_view::npos)
            policy.remove_prefix(1);
        while (!policy.empty() && blanks.find(policy.back()) != std::string_view::npos)
            policy.remove_suffix(1);
        if (auto fault = overrides.add(key, policy))
            return std::unexpected(fmt::format("{}:{}: {}", file, number, *fault));
    }
    return overrides;
}

std::expected<Overrides, std::string> Overrides::load(const std::string& path) {
    const auto text = config::read_file(path);
    if (!text && text.error() == std::errc::no_such_file_or_directory) return Overrides();
    if (!text)
        return std::unexpected(fmt::format("{}: cannot be read: {}", path, text.error().message()));
    return parse(*text, path);
}

std::optional<std::string> Overrides::find(const Nexthop& nexthop) const {
    if (policies_.empty()) return std::nullopt;
    if (const auto exact = policies_.find(nexthop.key()); exact != policies_.end())
        return exact->second;
    // Postfix asks for no parents of "[host]" or of a name with a port; nor do we.
    if (nexthop.literal_host || nexthop.port != 25) return std::nullopt;
    const std::string_view name = nexthop.domain.name();
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        if (const auto parent = policies_.find(name.substr(dot)); parent != policies_.end())
            return parent->second;
    return std::nullopt;
}

std::vector<std::string> Overrides::differences(const Overrides& other) const {
    std::vector<std::pair<std::string, std::string>> differing;
    std::ranges::set_symmetric_difference(policies_, other.policies_,
                                          std::back_inserter(differing));
    std::vector<std::string> keys;
    for (auto& [key, policy] : differing)
        if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
    return keys;
}

} // namespace postseal::engine
