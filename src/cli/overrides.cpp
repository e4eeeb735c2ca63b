// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/overrides_file.h"
#include "cli/setup.h"
#include "cli/shared_store.h"
#include "config/file.h"
#include "engine/override_notes.h"
#include "postseal/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

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

// A file that is not there has no overrides; one that was named must be.
std::expected<std::string, ClientError> text_of_file(const std::string& path, bool named) {
    auto text = config::read_file(path);
    if (!text && !named && text.error() == std::errc::no_such_file_or_directory) return "";
    if (!text)
        return std::unexpected(ClientError{
            bad_config, fmt::format("{}: cannot be read: {}", path, text.error().message())});
    return *std::move(text);
}

std::expected<Overrides::Reading, ClientError> read(const std::string& path, bool named) {
    const auto text = text_of_file(path, named);
    if (!text) return std::unexpected(text.error());
    return Overrides::read(*text, path);
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Json entry_json(const std::string& key, const Overrides::Entry& entry, WallTime now) {
    return {{"key", key},
            {"policy", engine::to_string(entry.says)},
            {"until", entry.until ? Json(engine::until_text(*entry.until)) : Json(nullptr)},
            {"ended", entry.until && *entry.until <= now},
            {"comment", entry.comment},
            {"line", entry.line}};
}

std::string entry_line(const std::string& key, const Overrides::Entry& entry, WallTime now) {
    std::string line = fmt::format("{:<32} {}", key, engine::to_string(entry.says));
    if (entry.until)
        line += fmt::format("   # {} {}", *entry.until <= now ? "ended" : "until",
                            engine::until_text(*entry.until));
    if (!entry.comment.empty()) line += (entry.until ? " " : "   # ") + entry.comment;
    return line;
}

int list(const Common& common, const std::string& named) {
    const auto path = path_of(common, named);
    if (!path) return fail(path.error());
    const auto reading = read(*path, !named.empty());
    if (!reading) return fail(reading.error());
    if (!is_there(*path)) {
        fmt::print(stderr, "postseal: {} does not exist: no overrides\n", *path);
        return ExitStatus::found;
    }
    const WallTime now = wall_now();
    for (const auto& [key, entry] : reading->overrides.entries())
        fmt::print("{}\n",
                   common.json ? entry_json(key, entry, now).dump() : entry_line(key, entry, now));
    for (const config::Error& fault : reading->faults)
        fail(bad_config, fault.message());
    return reading->faults.empty() ? ExitStatus::found : bad_config;
}

void write_check(const std::string& path, const Overrides::Reading& reading, WallTime now) {
    std::size_t ended = 0;
    for (const auto& [key, entry] : reading.overrides.entries()) {
        if (!entry.until || *entry.until > now) continue;
        ended++;
        fmt::print(stderr,
                   "postseal: {}:{}: \"{}\" has ended on {}: take it out, or set another day\n",
                   path, entry.line, key, engine::until_text(*entry.until));
    }
    for (const config::Error& note : engine::override_notes(reading.overrides))
        fmt::print(stderr, "postseal: {}\n", note.message());
    for (const config::Error& fault : reading.faults)
        fail(bad_config, fault.message());
    if (reading.faults.empty())
        fmt::print("{}: good; {} overrides, {} of them ended\n", path, reading.overrides.size(),
                   ended);
}

Json check_json(const std::string& path, const Overrides::Reading& reading, WallTime now) {
    Json faults = Json::array();
    for (const config::Error& fault : reading.faults)
        faults.push_back(fault.message());
    Json ended = Json::array();
    for (const auto& [key, entry] : reading.overrides.entries())
        if (entry.until && *entry.until <= now) ended.push_back(entry_json(key, entry, now));
    Json notes = Json::array();
    for (const config::Error& note : engine::override_notes(reading.overrides))
        notes.push_back(note.message());
    return {{"file", path},
            {"overrides", reading.overrides.size()},
            {"ended", std::move(ended)},
            {"notes", std::move(notes)},
            {"faults", std::move(faults)}};
}

int check(const Common& common, const std::string& named) {
    const auto path = path_of(common, named);
    if (!path) return fail(path.error());
    const auto reading = read(*path, !named.empty());
    if (!reading) return fail(reading.error());
    if (!common.json && !is_there(*path))
        fmt::print("{}: not there; no overrides\n", *path);
    else if (common.json)
        fmt::print("{}\n", check_json(*path, *reading, wall_now()).dump());
    else
        write_check(*path, *reading, wall_now());
    return reading->faults.empty() ? ExitStatus::found : bad_config;
}

int reload_overrides(const Common& common) {
    const auto reply = ask(common, {{"command", "reload-overrides"}});
    if (!reply) return fail(reply.error());
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

struct Set {
    std::string key;
    std::vector<std::string> policy;
    std::string until;
    std::string comment;
};

std::string who() {
    std::array<char, 65> host{};
    ::gethostname(host.data(), host.size() - 1);
    const char* user = std::getenv("SUDO_USER");
    const passwd* entry = user == nullptr ? ::getpwuid(::getuid()) : nullptr;
    if (entry != nullptr) user = entry->pw_name;
    return fmt::format("{}@{}", user == nullptr ? "?" : user, host.data());
}

// Has the daemon read the file again; without one, or without the right to, that is said.
void reload_after_edit(const Common& common, const std::string& path) {
    const auto reply = ask(common, {{"command", "reload-overrides"}});
    if (reply) return;
    fmt::print(stderr, "postseal: {} is written; {}\n", path,
               reply.error().status == unreachable
                   ? "postseald is not running, and reads it when it starts"
                   : fmt::format("postseald has not read it yet ({}): run \"postseal overrides "
                                 "reload\" as root",
                                 reply.error().text));
}

// A comment stays with its key, unless another is given.
std::string with_comment_of(const Overrides::Entry& before, const std::string& key,
                            std::string line) {
    const auto now = Overrides::read(line, "override");
    const auto entry = now.overrides.entries().find(key);
    const bool has_none = entry != now.overrides.entries().end() && entry->second.comment.empty();
    if (before.comment.empty() || !has_none) return line;
    return fmt::format("{}{}{}", line, entry->second.until ? " " : " # ", before.comment);
}

void say_if_it_has_no_end_now(const Overrides::Entry& before, const Overrides& now,
                              const std::string& key) {
    const auto entry = now.entries().find(key);
    if (!before.until || entry == now.entries().end() || entry->second.until) return;
    fmt::print(stderr,
               "postseal: {} had an end, {}, and has none now: repeat it with --until to keep it\n",
               key, engine::until_text(*before.until));
}

void say_if_it_names_no_end(const Overrides& now, const std::string& key) {
    const auto entry = now.entries().find(key);
    for (const config::Error& note : engine::override_notes(now))
        if (entry != now.entries().end() && note.line == entry->second.line)
            fmt::print(stderr, "postseal: {}\n", note.text);
}

// Edits the file of this machine. An empty line: removed. A result that the daemon would refuse is
// not written.
int edit(const Common& common, const std::string& key, std::string line) {
    const auto path = path_of(common, "");
    if (!path) return fail(path.error());
    const auto text = text_of_file(*path, false);
    if (!text) return fail(text.error());
    const auto before = Overrides::read(*text, *path);
    for (const config::Error& fault : before.faults)
        fail(bad_config, fault.message());
    if (!before.faults.empty())
        return fail(bad_config, *path + " is left as it is: correct it first");
    const auto entry = before.overrides.entries().find(key);
    const bool there = entry != before.overrides.entries().end();
    if (line.empty() && !there) return fail(no_policy, fmt::format("{}: no such override", key));
    const std::size_t at = there ? entry->second.line : 0;
    if (there && !line.empty()) line = with_comment_of(entry->second, key, std::move(line));
    const std::string edited =
        line.empty() ? without_entry(*text, at) : with_entry(*text, at, line);
    const auto after = Overrides::read(edited, *path);
    if (!after.faults.empty()) return fail(bad_data, after.faults.front().text);
    if (const auto done = replace_file(*path, edited); !done) return fail(bad_config, done.error());
    if (common.json)
        fmt::print("{}\n", Json{{"key", key}, {"removed", line.empty()}, {"file", *path}}.dump());
    else
        fmt::print("{}\n", line.empty() ? key + ": removed" : line);
    std::fflush(stdout);
    if (there && !line.empty()) say_if_it_has_no_end_now(entry->second, after.overrides, key);
    say_if_it_names_no_end(after.overrides, key);
    reload_after_edit(common, *path);
    return ExitStatus::found;
}

int tell(const Common& common, const std::string& key, std::string line);

// For all nodes of a fleet, or for this machine.
int change(const Common& common, const std::string& key, const std::string& line) {
    const auto config = load_config(common);
    if (!config) return fail(config.error());
    return config::has_shared_store(*config) ? tell(common, key, line) : edit(common, key, line);
}

// Tells all nodes of the fleet. An empty line: removed.
int tell(const Common& common, const std::string& key, std::string line) {
    const auto shared = shared_access(common, few_rows);
    if (!shared) return fail(shared.error());
    const auto there = (*shared)->store.overrides();
    const auto failed = [&](const fleet::Error& error) {
        return fail(client_error(**shared, error));
    };
    if (!there) return failed(there.error());
    const auto old = std::ranges::find(*there, key, &fleet::SharedOverride::key);
    if (line.empty() && old == there->end())
        return fail(no_policy, fmt::format("{}: no such shared override", key));
    const Overrides before =
        old == there->end() ? Overrides() : Overrides::read(old->line, "shared override").overrides;
    const auto entry = before.entries().find(key);
    const bool changes = entry != before.entries().end() && !line.empty();
    if (changes) line = with_comment_of(entry->second, key, std::move(line));
    const auto done = (*shared)->store.set({.key = key, .line = line, .by = who(), .at = {}});
    if (!done) return failed(done.error());
    if (common.json)
        fmt::print("{}\n", Json{{"key", key}, {"removed", line.empty()}}.dump());
    else
        fmt::print("{}\n", line.empty() ? key + ": removed" : line);
    std::fflush(stdout);
    const Overrides now = Overrides::read(line, "shared override").overrides;
    if (changes) say_if_it_has_no_end_now(entry->second, now, key);
    say_if_it_names_no_end(now, key);
    return ExitStatus::found;
}

int set(const Common& common, const Set& what) {
    std::string line = fmt::format("{} {}", what.key, fmt::join(what.policy, " "));
    if (!what.until.empty() || !what.comment.empty())
        line += fmt::format(" # {}{}{}{}", what.until.empty() ? "" : "until=", what.until,
                            what.until.empty() || what.comment.empty() ? "" : " ", what.comment);
    const auto reading = Overrides::read(line, "override");
    const bool one_line = line.find_first_of("\r\n") == std::string::npos;
    if (!reading.faults.empty() || reading.overrides.size() != 1 || !one_line)
        return fail(bad_data, reading.faults.empty() ? "a key and a policy, in one line"
                                                     : reading.faults.front().text);
    const auto& [key, entry] = *reading.overrides.entries().begin();
    if (what.key.find_first_of(" \t#") != std::string::npos)
        return fail(bad_data, fmt::format("\"{}\": a key cannot contain blanks or \"#\"",
                                          printable(what.key, 80)));
    if (entry.until && *entry.until <= wall_now())
        return fail(bad_data, fmt::format("--until {} is in the past", what.until));
    return change(common, key, line);
}

int remove(const Common& common, const std::string& key) {
    const auto reading = Overrides::read(key + " ignore", "override");
    if (reading.overrides.size() != 1)
        return fail(bad_data, reading.faults.empty() ? "no key" : reading.faults.front().text);
    return change(common, reading.overrides.entries().begin()->first, "");
}

int list_shared(const Common& common) {
    const auto shared = shared_access(common, few_rows);
    if (!shared) return fail(shared.error());
    const auto there = (*shared)->store.overrides();
    if (!there) {
        return fail(client_error(**shared, there.error()));
    }
    const WallTime now = wall_now();
    bool good = true;
    for (const fleet::SharedOverride& one : *there) {
        const auto reading = Overrides::read(one.line, "shared override");
        for (const config::Error& fault : reading.faults)
            fail(bad_data, fault.message());
        good = good && reading.faults.empty();
        for (const auto& [key, entry] : reading.overrides.entries()) {
            Json json = entry_json(key, entry, now);
            json.erase("line");
            json["set_by"] = one.by;
            json["set_at"] = rfc3339(one.at);
            fmt::print("{}\n", common.json ? json.dump() : entry_line(key, entry, now));
        }
    }
    return good ? ExitStatus::found : bad_data;
}

} // namespace

Command overrides_command(Common& common) {
    const auto file = std::make_shared<std::string>();
    const std::vector<Argument> named{{.name = "FILE",
                                       .help = "a file other than the configured one",
                                       .count = Argument::Count::optional,
                                       .target = file.get(),
                                       .values = {Values::Kind::file, {}}}};
    const auto shared = std::make_shared<bool>(false);
    const auto set_what = std::make_shared<Set>();
    const auto removed = std::make_shared<std::string>();
    return {
        .name = "overrides",
        .summary = "list, check, set, remove or reload the overrides",
        .examples = {"postseal overrides set partner.example encrypt --until 2027-01-31",
                     "postseal overrides check && postseal overrides reload"},
        .commands = {
            {.name = "list",
             .summary = "list the entries of the file",
             .arguments = named,
             .options = joined({{.name = "shared",
                                 .help = "list those that the fleet shares instead",
                                 .target = shared.get()}},
                               config_options(common)),
             .examples = {"postseal overrides list"},
             .run = [&common, file,
                     shared] { return *shared ? list_shared(common) : list(common, *file); }},
            {.name = "check",
             .summary = "report every error in the file, and every override that has ended",
             .arguments = named,
             .options = config_options(common),
             .examples = {"postseal overrides check /etc/postseal/overrides.new"},
             .run = [&common, file] { return check(common, *file); }},
            {.name = "reload",
             .summary = "make the daemon read the file again; queries go on",
             .options = daemon_options(common),
             .examples = {"postseal overrides reload"},
             .run = [&common] { return reload_overrides(common); }},
            {.name = "set",
             .summary = "set an override in the file, or for all nodes of a fleet",
             .arguments = {{.name = "KEY",
                            .help = "a destination, .example.com for all below it, or '*' for all",
                            .target = &set_what->key},
                           {.name = "POLICY",
                            .help = "as in the file",
                            .count = Argument::Count::several,
                            .target = &set_what->policy}},
             .options = joined({{.name = "until",
                                 .value = "DAY",
                                 .help = "when it ends: 2027-01-31, or "
                                         "2027-01-31T12:00Z",
                                 .target = &set_what->until},
                                {.name = "comment",
                                 .value = "TEXT",
                                 .help = "why",
                                 .target = &set_what->comment}},
                               daemon_options(common)),
             .examples = {"postseal overrides set partner.example encrypt "
                          "--until 2027-01-31"},
             .run = [&common, set_what] { return set(common, *set_what); }},
            {.name = "remove",
             .summary = "remove an override from the file, or for all nodes of a fleet",
             .arguments = {{.name = "KEY", .help = "as it was set", .target = removed.get()}},
             .options = daemon_options(common),
             .examples = {"postseal overrides remove partner.example"},
             .run = [&common, removed] { return remove(common, *removed); }}}};
}

} // namespace postseal::cli
