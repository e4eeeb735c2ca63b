// SPDX-License-Identifier: BSD-3-Clause
#include "cli/filter.h"

#include "cli/exit_status.h"
#include "cli/setup.h"

#include "postseal/base/time.h"

#include <fmt/format.h>

namespace postseal::cli {
namespace {

// For glob(7), of which "*" and "?" count here: brackets are part of keys.
std::string pattern_for(const std::string& typed) {
    std::string pattern;
    for (const char c : typed) {
        if (c == '[' || c == ']' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return typed.find_first_of("*?") == std::string::npos ? fmt::format("*{}*", pattern) : pattern;
}

std::expected<Json, ClientError> request_for(const Filter& filter) {
    Json request = {{"command", "list"}, {"after", ""}};
    if (!filter.cls.empty()) request["class"] = filter.cls;
    if (!filter.mode.empty()) request["mode"] = filter.mode;
    if (filter.failing) request["failing"] = true;
    if (!filter.pattern.empty()) request["pattern"] = pattern_for(filter.pattern);
    if (filter.expiring.empty()) return request;
    const auto span = parse_span(filter.expiring);
    if (!span)
        return std::unexpected(ClientError{
            usage, fmt::format("--expiring \"{}\" is not a valid duration: write 12h, 2d",
                               filter.expiring)});
    request["expiring_s"] = std::chrono::duration_cast<seconds>(*span).count();
    return request;
}

} // namespace

std::vector<Option> filter_options(Filter& filter) {
    return {{.name = "class",
             .value = "CLASS",
             .help = "only with a verdict of this class",
             .target = &filter.cls,
             .values = {Values::Kind::one_of, {"dane", "enforce", "may", "override", "tempfail"}}},
            {.name = "mode",
             .value = "MODE",
             .help = "only with a policy in force of this mode",
             .target = &filter.mode,
             .values = {Values::Kind::one_of, {"enforce", "testing", "none"}}},
            {.name = "failing",
             .help = "only where the last fetch of a policy failed",
             .target = &filter.failing},
            {.name = "expiring",
             .value = "TIME",
             .help = "only with a policy in force that ends within TIME, such as 12h or 2d",
             .target = &filter.expiring},
            {.letter = "n",
             .name = "limit",
             .value = "NUMBER",
             .help = "so many at most",
             .target = &filter.limit}};
}

std::expected<void, ClientError> each_page(const Common& common, const Filter& filter,
                                           Bodies bodies,
                                           const std::function<void(const Json& page)>& page) {
    auto request = request_for(filter);
    if (!request) return std::unexpected(request.error());
    if (bodies == Bodies::yes) (*request)["bodies"] = true;
    for (std::size_t left = filter.limit;;) {
        if (filter.limit > 0) (*request)["most"] = left;
        const auto reply = ask(common, *request);
        if (!reply) return std::unexpected(reply.error());
        const Json& list = (*reply)["list"];
        page(list);
        if (filter.limit > 0 && list.size() >= left) return {};
        left -= filter.limit > 0 ? list.size() : 0;
        const Json& next = (*reply)["next"];
        if (!next.is_string()) return {};
        (*request)["after"] = next;
    }
}

} // namespace postseal::cli
