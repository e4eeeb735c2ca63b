// SPDX-License-Identifier: BSD-3-Clause
#include "dns/unbound_answer.h"

#include "dns/negative_ttl.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::dns {
namespace {

// DNS RCODEs (RFC 6895 section 2.3).
constexpr int noerror = 0;
constexpr int servfail = 2;
constexpr int nxdomain = 3;
constexpr int refused = 5;

std::string name_of_rcode(int rcode) {
    switch (rcode) {
    case 1:
        return "FORMERR";
    case servfail:
        return "SERVFAIL";
    case 4:
        return "NOTIMP";
    case refused:
        return "REFUSED";
    case 6:
        return "YXDOMAIN";
    default:
        return fmt::format("RCODE {}", rcode);
    }
}

std::string plain_name(const char* name) {
    std::string out = name == nullptr ? std::string() : lower_ascii(name);
    if (out.ends_with('.')) out.pop_back();
    return out;
}

Status status_of(const ub_result& result) {
    if (result.bogus != 0) return Status::bogus;
    if (result.rcode == noerror) return result.havedata != 0 ? Status::found : Status::no_data;
    return result.rcode == nxdomain ? Status::nxdomain : Status::failed;
}

} // namespace

std::string why_bogus_clause(std::string_view why) {
    constexpr std::string_view prefix = "validation failure <";
    if (why.starts_with(prefix)) {
        const auto end = why.find(">: ");
        why = end == std::string_view::npos ? std::string_view() : why.substr(end + 3);
    }
    // What an earlier lookup found comes behind that it did.
    for (constexpr std::string_view mark = "previous validation failure <"; why.contains(mark);) {
        const auto end = why.find(">: ", why.find(mark));
        if (end == std::string_view::npos || trim(why.substr(end + 3)).empty()) break;
        why = why.substr(end + 3);
    }
    why = trim(why);
    return why.empty() ? "DNSSEC validation failed" : printable(why);
}

Answer to_answer(const ub_result& result) {
    Answer answer;
    answer.status = status_of(result);
    const std::string_view why = result.why_bogus == nullptr ? "" : result.why_bogus;
    if (answer.status == Status::bogus) {
        answer.reason = why_bogus_clause(why);
        answer.failure = Failure::bogus;
        return answer;
    }
    if (answer.status == Status::failed) {
        answer.reason = name_of_rcode(result.rcode);
        answer.failure = result.rcode == servfail  ? Failure::servfail
                         : result.rcode == refused ? Failure::refused
                                                   : Failure::rcode;
        if (!why.empty()) answer.reason += ": " + why_bogus_clause(why);
        return answer;
    }
    answer.security = result.secure != 0 ? Security::secure : Security::insecure;
    answer.canonical_name = plain_name(result.canonname);
    if (answer.canonical_name == plain_name(result.qname)) answer.canonical_name.clear();
    if (answer.status != Status::found) {
        answer.ttl = negative_ttl({static_cast<const char*>(result.answer_packet),
                                   static_cast<std::size_t>(result.answer_len)});
        return answer;
    }
    answer.ttl = seconds(std::max(result.ttl, 0));
    for (int i = 0; result.data[i] != nullptr; i++)
        answer.rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
    return answer;
}

} // namespace postseal::dns
