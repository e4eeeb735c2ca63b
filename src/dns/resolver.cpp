// SPDX-License-Identifier: BSD-3-Clause
#include "dns/resolver.h"

#include "postseal/base/names.h"

#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::dns {

std::string_view to_string(RrType type) {
    switch (type) {
    case RrType::a:
        return "A";
    case RrType::ns:
        return "NS";
    case RrType::cname:
        return "CNAME";
    case RrType::mx:
        return "MX";
    case RrType::txt:
        return "TXT";
    case RrType::aaaa:
        return "AAAA";
    case RrType::dname:
        return "DNAME";
    case RrType::dnskey:
        return "DNSKEY";
    case RrType::tlsa:
        return "TLSA";
    }
    return "?";
}

constexpr auto failure_names = names_for<Failure>({
    {Failure::none, "none"},
    {Failure::bogus, "bogus"},
    {Failure::unvalidated, "unvalidated"},
    {Failure::servfail, "servfail"},
    {Failure::refused, "refused"},
    {Failure::rcode, "rcode"},
    {Failure::timeout, "timeout"},
    {Failure::busy, "busy"},
    {Failure::library, "library"},
});
std::string_view to_string(Failure failure) { return failure_names[failure]; }

bool is_failure(const Answer& answer) {
    return answer.status == Status::bogus || answer.status == Status::failed;
}

bool is_unasked(const Answer& answer) {
    return is_failure(answer) &&
           (answer.failure == Failure::busy || answer.failure == Failure::library);
}

std::string failure_clause(std::string_view name, RrType type, const Answer& answer) {
    const std::string_view what = answer.status == Status::bogus ? "is bogus" : "failed";
    return fmt::format("{} lookup of {} {}: {}", to_string(type), printable(name, max_name), what,
                       answer.reason.empty() ? "no cause given" : printable(answer.reason));
}

namespace {

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_';
    });
}

} // namespace

bool askable(std::string_view name) {
    if (name.size() > max_name) return false;
    for (;;) {
        const auto dot = name.find('.');
        if (!is_label(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

} // namespace postseal::dns
