// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/machine_faults.h"
#include "cli/setup.h"
#include "config/faults.h"
#include "service/file_check.h"
#include "json/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace postseal::cli {

namespace {

using Errors = std::vector<config::Error>;

Json json_of(const Errors& errors, std::string_view of) {
    Json out = Json::array();
    for (const config::Error& error : errors)
        out.push_back({{"file", error.file},
                       {"line", error.line},
                       {"key", error.key},
                       {"text", error.text},
                       {"of", of}});
    return out;
}

struct Checked {
    std::string file;
    bool there = true; // the file
    Errors in_file;
    MachineFaults machine;
    service::FileCheck named; // the files that it names
    std::size_t listeners = 0;
    std::size_t maps = 0;

    [[nodiscard]] bool good() const {
        return in_file.empty() && machine.errors.empty() && named.errors.empty();
    }
};

Checked look(const std::string& named) {
    Checked found{.file = named.empty() ? std::string(config::default_file) : named};
    const std::string path = config::configured_file(named);
    found.there = !path.empty();
    const config::Faults read = config::faults(path);
    found.in_file = read.errors;
    found.machine = machine_faults(read, found.file);
    found.named = service::check_files(read, found.file);
    found.listeners = read.config.listen.size();
    found.maps = read.config.maps.size();
    return found;
}

std::string first_message(const Checked& found) {
    for (const Errors* errors : {&found.in_file, &found.machine.errors, &found.named.errors})
        if (!errors->empty()) return errors->front().message();
    return {};
}

int write_json(const Checked& found) {
    Json errors = json_of(found.in_file, "file");
    for (Json& error : json_of(found.machine.errors, "machine"))
        errors.push_back(std::move(error));
    for (Json& error : json_of(found.named.errors, "named"))
        errors.push_back(std::move(error));
    Json notes = json_of(found.machine.notes, "machine");
    for (Json& note : json_of(found.named.notes, "named"))
        notes.push_back(std::move(note));
    const Json json = {{"file", found.file},          {"there", found.there},
                       {"good", found.good()},        {"error", first_message(found)},
                       {"errors", std::move(errors)}, {"notes", std::move(notes)}};
    fmt::print("{}\n", dumped(json));
    return found.good() ? ExitStatus::found : bad_config;
}

int check_config(const Common& common) {
    const Checked found = look(common.config_file);
    if (common.json) return write_json(found);
    for (const Errors* errors : {&found.in_file, &found.machine.errors, &found.named.errors})
        for (const config::Error& error : *errors)
            fail(bad_config, error.message());
    for (const Errors* notes : {&found.machine.notes, &found.named.notes})
        for (const config::Error& note : *notes)
            fmt::print(stderr, "postseal: note: {}\n", note.message());
    if (!found.good()) return bad_config;
    fmt::print("{}: {}; {} listeners, {} maps, {} overrides\n", found.file,
               found.there ? "good" : "not there; built-in defaults", found.listeners, found.maps,
               found.named.overrides);
    return ExitStatus::found;
}

} // namespace

Command check_config_command(Common& common) {
    return {.name = "check-config",
            .summary = "check the configuration and report every error",
            .options = config_options(common),
            .examples = {"postseal check-config --config /etc/postseal/postseal.toml"},
            .run = [&common] { return check_config(common); }};
}

} // namespace postseal::cli
