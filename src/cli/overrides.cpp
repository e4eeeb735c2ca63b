// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "config/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace postseal::cli {
namespace {

using engine::Overrides;

// The file named, or the configured one.
std::expected<std::string, ClientError> path_of(const Common& common, const std::string& named) {
    if (!named.empty()) return named;
    const auto config = load_config(common);
    if (!config) return std::unexpected(config.error());
    return config->overrides;
}

std::expected<Overrides::Reading, ClientError> read(const std::string& path) {
    const auto text = config::read_file(path);
    if (!text)
        return std::unexpected(ClientError{
            bad_config, fmt::format("{}: cannot be read: {}", path, text.error().message())});
    return Overrides::read(*text, path);
}

Json entry_json(const std::string& key, const Overrides::Entry& entry, WallTime now) {
    return {{"key", key},
            {"policy", engine::to_string(entry.says)},
            {"until", entry.until ? Json(rfc3339(*entry.until)) : Json(nullptr)},
            {"ended", entry.until && *entry.until <= now},
            {"comment", entry.comment},
            {"line", entry.line}};
}

std::string entry_line(const std::string& key, const Overrides::Entry& entry, WallTime now) {
    std::string line = fmt::format("{:<32} {}", key, engine::to_string(entry.says));
    if (entry.until)
        line += fmt::format("   # {} {}", *entry.until <= now ? "ended" : "until",
                            rfc3339(*entry.until));
    if (!entry.comment.empty()) line += (entry.until ? " " : "   # ") + entry.comment;
    return line;
}

int list(const Common& common, const std::string& named) {
    const auto path = path_of(common, named);
    if (!path) return fail(path.error().status, path.error().text);
    const auto reading = read(*path);
    if (!reading) return fail(reading.error().status, reading.error().text);
    const WallTime now = wall_now();
    for (const auto& [key, entry] : reading->overrides.entries())
        fmt::print("{}\n",
                   common.json ? entry_json(key, entry, now).dump() : entry_line(key, entry, now));
    for (const std::string& fault : reading->faults)
        fail(bad_config, fault);
    if (!reading->faults.empty()) return bad_config;
    return reading->overrides.size() > 0 ? ExitStatus::found : no_policy;
}

void write_check(const std::string& path, const Overrides::Reading& reading, WallTime now) {
    std::size_t ended = 0;
    for (const auto& [key, entry] : reading.overrides.entries()) {
        if (!entry.until || *entry.until > now) continue;
        ended++;
        fmt::print(stderr, "{}:{}: \"{}\" has ended on {}: take it out, or set another day\n", path,
                   entry.line, key, rfc3339(*entry.until));
    }
    for (const std::string& fault : reading.faults)
        fail(bad_config, fault);
    if (reading.faults.empty())
        fmt::print("{}: good; {} overrides, {} of them ended\n", path, reading.overrides.size(),
                   ended);
}

Json check_json(const std::string& path, const Overrides::Reading& reading, WallTime now) {
    Json ended = Json::array();
    for (const auto& [key, entry] : reading.overrides.entries())
        if (entry.until && *entry.until <= now) ended.push_back(entry_json(key, entry, now));
    return {{"file", path},
            {"overrides", reading.overrides.size()},
            {"ended", std::move(ended)},
            {"faults", reading.faults}};
}

int check(const Common& common, const std::string& named) {
    const auto path = path_of(common, named);
    if (!path) return fail(path.error().status, path.error().text);
    const auto reading = read(*path);
    if (!reading) return fail(reading.error().status, reading.error().text);
    if (common.json)
        fmt::print("{}\n", check_json(*path, *reading, wall_now()).dump());
    else
        write_check(*path, *reading, wall_now());
    return reading->faults.empty() ? ExitStatus::found : bad_config;
}

int reload_overrides(const Common& common) {
    const auto reply = ask(common, {{"command", "reload-overrides"}});
    if (!reply) return fail(reply.error().status, reply.error().text);
    const auto changed = reply->value("changed", std::vector<std::string>());
    const auto count = reply->value("overrides", std::size_t{0});
    if (common.json)
        fmt::print("{}\n", Json{{"overrides", count}, {"changed", changed}}.dump());
    else
        fmt::print("{} overrides; {}\n", count,
                   changed.empty() ? "nothing has changed"
                                   : fmt::format("changed: {}", fmt::join(changed, ", ")));
    return ExitStatus::found;
}

} // namespace

Command overrides_command(Common& common) {
    const auto file = std::make_shared<std::string>();
    const std::vector<Argument> named{{.name = "FILE",
                                       .help = "another file than the configured one",
                                       .count = Argument::Count::optional,
                                       .target = file.get(),
                                       .values = {Values::Kind::file, {}}}};
    return {.name = "overrides",
            .summary = "list, check or reload the overrides",
            .examples = {"postseal overrides check && postseal overrides reload"},
            .commands = {{.name = "list",
                          .summary = "list the entries of the file",
                          .arguments = named,
                          .options = config_options(common),
                          .examples = {"postseal overrides list"},
                          .run = [&common, file] { return list(common, *file); }},
                         {.name = "check",
                          .summary = "say all that is wrong with the file, and what has ended",
                          .arguments = named,
                          .options = config_options(common),
                          .examples = {"postseal overrides check /etc/postseal/overrides.new"},
                          .run = [&common, file] { return check(common, *file); }},
                         {.name = "reload",
                          .summary = "have the daemon read the file again; queries go on",
                          .options = daemon_options(common),
                          .examples = {"postseal overrides reload"},
                          .run = [&common] { return reload_overrides(common); }}}};
}

} // namespace postseal::cli
