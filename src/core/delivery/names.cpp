// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/names.h"

#include "postseal/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace postseal::delivery {
namespace {

constexpr std::size_t names_shown = 3;

// What is behind "*.", if that may stand for a label.
std::string_view below_wildcard(std::string_view name) {
    if (!name.starts_with("*.")) return {};
    name.remove_prefix(2);
    return name.contains('.') && !name.contains('*') ? name : std::string_view();
}

bool covers(std::string_view name, std::string_view reference) {
    if (reference.starts_with('.'))
        return name.size() > reference.size() &&
               equals_ignoring_case(name.substr(name.size() - reference.size()), reference);
    if (equals_ignoring_case(name, reference)) return true;
    const std::string_view parent = below_wildcard(name);
    const std::size_t dot = reference.find('.');
    return !parent.empty() && dot != std::string_view::npos && dot > 0 &&
           equals_ignoring_case(reference.substr(dot + 1), parent);
}

} // namespace

bool is_for(const Certificate& certificate, std::string_view reference) {
    if (certificate.dns_names.empty())
        return !certificate.common_name.empty() && covers(certificate.common_name, reference);
    return std::ranges::any_of(certificate.dns_names,
                               [&](const std::string& name) { return covers(name, reference); });
}

std::string names_of(const Certificate& certificate) {
    if (certificate.dns_names.empty())
        return certificate.common_name.empty()
                   ? "no host"
                   : printable(certificate.common_name, 60) + " (common name)";
    std::vector<std::string> shown;
    for (const std::string& name : certificate.dns_names)
        if (shown.size() < names_shown) shown.push_back(printable(name, 60));
    std::string text = fmt::format("{}", fmt::join(shown, ", "));
    if (const std::size_t more = certificate.dns_names.size() - shown.size(); more > 0)
        text += fmt::format(" and {} more", more);
    return text;
}

} // namespace postseal::delivery
