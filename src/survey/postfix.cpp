// SPDX-License-Identifier: BSD-3-Clause
#include "survey/postfix.h"

#include "survey/program.h"

#include <grp.h>
#include <pwd.h>

#include <utility>
#include <vector>

namespace postseal::survey {
namespace {

constexpr milliseconds longest_run{10'000};

std::expected<std::string, std::string> ask(const std::string& program, const std::string& folder,
                                            const std::vector<std::string>& options) {
    std::vector<std::string> command{program};
    if (!folder.empty()) command.insert(command.end(), {"-c", folder});
    command.insert(command.end(), options.begin(), options.end());
    return output_of(command, longest_run);
}

} // namespace

std::expected<doctor::Postconf, std::string> read_postconf(const std::string& program,
                                                           const std::string& folder) {
    doctor::PostconfTexts texts;
    const std::pair<std::string*, std::vector<std::string>> calls[] = {
        {&texts.expanded, {"-x"}}, {&texts.named, {"-n"}},         {&texts.defaults, {"-d"}},
        {&texts.services, {"-M"}}, {&texts.options, {"-P", "-x"}},
    };
    for (const auto& [text, options] : calls) {
        auto said = ask(program, folder, options);
        if (!said) return std::unexpected(std::move(said.error()));
        *text = *std::move(said);
    }
    auto postconf = doctor::parse_postconf(texts);
    if (!postconf) return std::unexpected(program + ": " + postconf.error());
    return postconf;
}

std::optional<doctor::User> find_user(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    const gid_t primary = entry->pw_gid;
    doctor::User user{.name = name, .group = std::to_string(primary), .uid = entry->pw_uid};
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(name.c_str(), primary, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
        ::getgrouplist(name.c_str(), primary, groups.data(), &count);
    }
    groups.resize(static_cast<std::size_t>(count));
    user.gids.assign(groups.begin(), groups.end());
    if (const group* found = ::getgrgid(primary)) user.group = found->gr_name;
    return user;
}

} // namespace postseal::survey
