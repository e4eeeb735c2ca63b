// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as a policy file.
#include "postseal/mtasts/policy.h"

#include "fuzz/check.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace {

using postseal::seconds;
using postseal::fuzz::check;
using postseal::fuzz::is_printable;
using namespace postseal::mtasts;

std::string join(const Policy& policy, std::string_view line_end) {
    std::string text;
    for (const auto& line : policy.lines) {
        text += line;
        text += line_end;
    }
    return text;
}

void check_fault(const PolicyError& error, std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    check(error.line <= lines);
    check(!error.text.empty() && is_printable(error.text));
    check((error.fault == PolicyFault::too_large) == (text.size() > max_policy_size));
}

void check_policy(const Policy& policy, std::string_view text) {
    check(policy.max_age >= seconds(0) && policy.max_age <= max_max_age);
    check(policy.mode == Mode::none || !policy.mx.empty() || !policy.mx_without_host.empty());
    check(policy.lines.size() >= 3 + policy.mx.size() + policy.mx_without_host.size());
    for (const auto& mx : policy.mx_without_host)
        check(!MxPattern::parse(mx));
    for (const auto& line : policy.lines) {
        check(!line.empty() && !line.contains('\r') && !line.contains('\n'));
        check(line.back() != ' ' && line.back() != '\t');
        check(text.contains(line));
    }
    for (const auto& mx : policy.mx) {
        check(MxPattern::parse(mx.text()) == mx);
        // A wildcard does not stand for its suffix; another pattern may.
        check(mx.matches(mx.domain) != mx.wildcard);
        if (!mx.wildcard) check(matches(policy, mx.domain));
    }
    // What the lines quote is the policy: reports and Postfix see the same one.
    check(parse_policy(join(policy, "\n")) == policy || text.size() == max_policy_size);
    const auto crlf = join(policy, "\r\n");
    check(parse_policy(crlf) == policy || crlf.size() > max_policy_size);
    // A later field overrides nothing.
    const auto more = crlf + "mode: none\r\nversion: STSv2\r\nmax_age: 1";
    const auto same = parse_policy(more);
    check(more.size() > max_policy_size ||
          (same && same->mode == policy.mode && same->max_age == policy.max_age &&
           same->mx == policy.mx));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string octets(postseal::fuzz::as_text(data, size));
    // Octets alone seldom make a whole policy; behind one they are its further lines.
    for (const auto& text : {octets, "version: STSv1\nmode: enforce\nmax_age: 9\n" + octets}) {
        if (const auto policy = parse_policy(text))
            check_policy(*policy, text);
        else
            check_fault(policy.error(), text);
    }
    return 0;
}
