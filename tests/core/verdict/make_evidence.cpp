// SPDX-License-Identifier: BSD-3-Clause
#include "core/verdict/make_evidence.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace postseal::test {

using namespace verdict;

Domain domain(std::string_view name) {
    auto parsed = Domain::parse(name);
    if (!parsed) throw std::runtime_error(fmt::format("{}: {}", name, parsed.error().text));
    return *parsed;
}

namespace {

Host host(char c, std::size_t number) {
    Host out{.name = domain(fmt::format("mx{}.example.com", number)),
             .preference = static_cast<std::uint16_t>(10 * number),
             .state = HostState::failed,
             .address_secure = true,
             .tlsa_name = {},
             .tlsa = {},
             .reason = {}};
    switch (c) {
    case 'U':
    case 'X':
        out.state = c == 'U' ? HostState::usable : HostState::unusable;
        out.tlsa_name = fmt::format("_25._tcp.mx{}.example.com", number);
        out.tlsa = {{.usage = static_cast<std::uint8_t>(c == 'U' ? 3 : 1),
                     .selector = 1,
                     .matching_type = 1,
                     .data = std::string(32, 'd')}};
        if (c == 'X') out.reason = "usage 1";
        break;
    case 'N':
        out.state = HostState::none;
        break;
    case 'F':
        out.reason = fmt::format("TLSA _25._tcp.mx{}.example.com: SERVFAIL", number);
        break;
    case 'A':
        out.state = HostState::no_address;
        break;
    default:
        throw std::runtime_error(fmt::format("no host state has the letter {}", c));
    }
    return out;
}

} // namespace

Mx mx(MxState state, std::string_view letters) {
    Mx out;
    out.state = state;
    if (state == MxState::bogus) out.reason = "signature of example.com expired";
    if (state == MxState::failed) out.reason = "SERVFAIL from all servers";
    if (letters == "-") return out;
    const auto sign = letters.find_first_of("+@");
    for (const char c : letters.substr(0, sign))
        out.hosts.push_back(host(c, out.hosts.size() + 1));
    if (sign != std::string_view::npos)
        (letters[sign] == '+' ? out.beyond : out.addresses) =
            static_cast<std::size_t>(std::stoi(std::string(letters.substr(sign + 1))));
    return out;
}

mtasts::Policy policy(mtasts::Mode mode, std::initializer_list<const char*> patterns) {
    mtasts::Policy out{.mode = mode,
                       .max_age = seconds(604'800),
                       .mx = {},
                       .lines = {"version: STSv1", fmt::format("mode: {}", to_string(mode))}};
    for (const std::string_view text : patterns) {
        auto pattern = mtasts::MxPattern::parse(text);
        if (!pattern) throw std::runtime_error(fmt::format("{}: bad pattern", text));
        out.mx.push_back(*pattern);
        out.lines.push_back(fmt::format("mx: {}", text));
    }
    out.lines.emplace_back("max_age: 604800");
    return out;
}

Sts in_force(mtasts::Policy policy) {
    Sts out;
    out.record = RecordState::found;
    out.record_id = "2026";
    out.policy = std::move(policy);
    out.policy_id = "2026";
    out.fetched_at = noon - std::chrono::hours(1);
    out.expires_at = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1);
    return out;
}

Evidence evidence_for(std::string_view nexthop) {
    auto parsed = Nexthop::parse(nexthop);
    if (!parsed) throw std::runtime_error(fmt::format("{}: {}", nexthop, parsed.error().text));
    return {.nexthop = *parsed,
            .mx = mx(MxState::secure, "-"),
            .sts = {},
            .remembered = Remembered::nothing,
            .override_ = {},
            .obtained_at = noon,
            .partial = false};
}

} // namespace postseal::test
