// SPDX-License-Identifier: BSD-3-Clause
#include "cli/import_entries.h"

#include "cli/exit_status.h"
#include "cli/input.h"
#include "postseal/base/text.h"
#include "store/mta_sts_resolver.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace postseal::cli {
namespace {

using Sent = std::expected<void, ClientError>;

constexpr std::size_t head_size = 16; // of a file, to tell SQLite's

Entry entry_of(std::string place, std::string_view line) {
    Entry entry{.place = std::move(place), .kept = Json::parse(line, nullptr, false), .fault = {}};
    if (!entry.kept.is_object()) entry.fault = "not a JSON object";
    return entry;
}

std::size_t size_of(std::FILE* file) {
    struct stat status{};
    const bool known = ::fstat(::fileno(file), &status) == 0 && S_ISREG(status.st_mode);
    return known ? static_cast<std::size_t>(status.st_size) : 0;
}

bool can_be_read_again(const std::string& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

Sent each_line(const std::string& file, const Take& take) {
    const auto opened = open_input(file);
    if (!opened) return std::unexpected(ClientError{usage, opened.error()});
    const std::string name = file == "-" ? "standard input" : file;
    const std::size_t total = size_of(opened->get());
    char* raw = nullptr;
    std::size_t room = 0;
    std::size_t read = 0;
    int error = 0;
    for (std::size_t number = 1;; number++) {
        const ssize_t got = ::getline(&raw, &room, opened->get());
        if (got < 0) {
            error = errno;
            break;
        }
        read += static_cast<std::size_t>(got);
        std::string_view line(raw, static_cast<std::size_t>(got));
        if (line.ends_with('\n')) line.remove_suffix(1);
        if (trim(line).empty()) continue;
        if (!take(entry_of(fmt::format("{}:{}", name, number), line), read, total)) break;
    }
    std::free(raw); // NOLINT(*-no-malloc): getline(3)'s
    if (std::ferror(opened->get()) != 0)
        return std::unexpected(
            ClientError{usage, fmt::format("cannot read {}: {}", name, std::strerror(error))});
    return {};
}

Sent each_row(const std::string& file, const Take& take) {
    const auto rows = store::read_mta_sts_resolver(file);
    if (!rows) return std::unexpected(ClientError{bad_data, rows.error()});
    std::size_t read = 0;
    for (const store::ResolverRow& row : *rows) {
        Entry entry{.place = fmt::format("{}: row {}, {}", file, row.number, printable(row.domain)),
                    .kept = {},
                    .fault = {}};
        auto body = policy_file(row.body);
        if (body)
            entry.kept = {{"key", row.domain},
                          {"policy",
                           {{"body", std::move(*body)},
                            {"id", row.id},
                            {"fetched_at", rfc3339(row.fetched_at)}}}};
        else
            entry.fault = std::move(body.error());
        if (!take(std::move(entry), ++read, rows->size())) break;
    }
    return {};
}

// As in the policy file: texts, but max_age a number.
std::string value_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

std::expected<std::string, std::string> policy_file(std::string_view pol_body) {
    const Json body = Json::parse(pol_body, nullptr, false);
    if (!body.is_object()) return std::unexpected("pol_body is not a JSON object");
    std::string text;
    for (const char* name : {"version", "mode"})
        if (body.contains(name)) text += fmt::format("{}: {}\n", name, value_text(body[name]));
    if (body.contains("mx"))
        for (const Json& pattern : body["mx"])
            text += fmt::format("mx: {}\n", value_text(pattern));
    if (body.contains("max_age")) text += fmt::format("max_age: {}\n", value_text(body["max_age"]));
    return text;
}

Sent each_entry(const std::string& file, const Take& take) {
    // A pipe can be read once only: its first octets would be gone.
    if (file == "-" || !can_be_read_again(file)) return each_line(file, take);
    const auto head = read_input(file, head_size);
    if (!head) return std::unexpected(ClientError{usage, head.error()});
    return store::is_sqlite(*head) ? each_row(file, take) : each_line(file, take);
}

} // namespace postseal::cli
