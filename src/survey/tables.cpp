// SPDX-License-Identifier: BSD-3-Clause
#include "survey/tables.h"

#include "survey/program.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace postseal::survey {
namespace {

constexpr milliseconds max_postmap_run{10'000};
// No nexthop, so postseald answers at once, and nobody's file has it.
constexpr const char* nobodys_key = "[127.255.255.254]";

std::optional<std::string> postmap_beside(const std::string& postconf) {
    const std::filesystem::path path(postconf);
    if (path.filename() != "postconf") return std::nullopt;
    if (!path.has_parent_path()) return "postmap"; // by PATH, as postconf
    std::string postmap = (path.parent_path() / "postmap").string();
    if (::access(postmap.c_str(), X_OK) != 0) return std::nullopt;
    return postmap;
}

} // namespace

std::optional<doctor::Tried> try_table(const std::string& postconf, const std::string& folder,
                                       const doctor::Table& table) {
    const auto postmap = postmap_beside(postconf);
    if (!postmap) return std::nullopt;
    std::vector<std::string> command{*postmap};
    if (!folder.empty()) command.insert(command.end(), {"-c", folder});
    command.insert(command.end(), {"-q", nobodys_key, table.text});
    const auto complaints = complaints_of(command, max_postmap_run);
    std::error_code ignored;
    return doctor::Tried{
        .fault = complaints ? doctor::postmap_fault(*complaints) : complaints.error(),
        .source_exists = !table.file.empty() && std::filesystem::exists(table.file, ignored)};
}

std::expected<std::optional<std::string>, std::string> look_up(const std::string& postconf,
                                                               const std::string& folder,
                                                               const std::string& table,
                                                               const std::string& key) {
    const auto postmap = postmap_beside(postconf);
    if (!postmap) return std::unexpected("there is no postmap beside " + postconf);
    std::vector<std::string> command{*postmap};
    if (!folder.empty()) command.insert(command.end(), {"-c", folder});
    command.insert(command.end(), {"-q", key, table});
    const auto complaints = complaints_of(command, max_postmap_run);
    if (!complaints) return std::unexpected(complaints.error());
    if (std::string fault = doctor::postmap_fault(*complaints); !fault.empty())
        return std::unexpected(std::move(fault));
    auto said = output_of(command, max_postmap_run); // an error: status 1, for it is not found
    if (!said || said->empty()) return std::nullopt;
    if (said->ends_with('\n')) said->pop_back();
    return *std::move(said);
}

} // namespace postseal::survey
