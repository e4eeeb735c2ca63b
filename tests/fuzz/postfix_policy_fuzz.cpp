// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as the value of a TLS policy table.
#include "postseal/verdict/postfix_policy.h"

#include "fuzz/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace {

using namespace postseal::verdict;
using postseal::fuzz::check;

bool same_in_braces(std::string_view value) {
    int depth = 0;
    for (const char c : value) {
        if (c != ' ' && c >= '\t' && c <= '\r') return false; // a space inside braces
        if (c == '{') depth++;
        if (c == '}' && --depth < 0) return false;
    }
    return depth == 0;
}

void check_policy(const PostfixPolicy& policy, Form form) {
    check(std::ranges::none_of(policy.level, [](char c) { return c >= 'A' && c <= 'Z'; }));
    check(policy.level != "none" || policy.attributes.empty());
    bool braces = true;
    std::string in_braces = policy.level;
    for (const auto& [name, value] : policy.attributes) {
        check(form == Form::tlsrpt || (!name.starts_with("policy_") && name != "enable_rpk"));
        check(name != "match" ||
              (!value.empty() && (policy.level == "secure" || policy.level == "verify" ||
                                  policy.level == "fingerprint")));
        check(value.find('\0') == std::string::npos);
        in_braces += fmt::format(",{{\t{}={} }}", name, value);
        braces = braces && same_in_braces(value);
    }
    if (braces && in_braces.size() <= max_reply_text)
        check(read_postfix_policy(in_braces, Form::tlsrpt) == policy);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    const auto legacy = read_postfix_policy(text, Form::legacy);
    const auto tlsrpt = read_postfix_policy(text, Form::tlsrpt);
    for (const auto& [read, form] : {std::pair(legacy, Form::legacy), {tlsrpt, Form::tlsrpt}}) {
        if (read)
            check_policy(*read, form);
        else
            check(!read.error().empty() && read.error().size() < 300 &&
                  postseal::fuzz::is_printable(read.error()));
        if (size + 2 <= max_reply_text && text.find('{') == std::string_view::npos)
            check(read_postfix_policy(fmt::format(",{}\n", text), form) == read);
    }
    // Without braces, 3.10 reads all that 3.7 reads, and the same.
    if (legacy && text.find('{') == std::string_view::npos) check(tlsrpt == legacy);
    return 0;
}
