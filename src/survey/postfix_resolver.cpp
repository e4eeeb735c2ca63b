// SPDX-License-Identifier: BSD-3-Clause
#include "survey/postfix_resolver.h"

#include "postseal/base/text.h"
#include "survey/dns_query.h"

#include <arpa/nameser.h>
#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <utility>

namespace postseal::survey {
namespace {

constexpr int max_chain = 16; // of CNAMEs

// In text form, lower case, without a trailing dot.
std::optional<std::string> name_at(const ns_msg& message, const unsigned char* at) {
    char name[NS_MAXDNAME];
    if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), at, name, sizeof name) < 0)
        return std::nullopt;
    std::string out = lower_ascii(name);
    if (out.ends_with('.')) out.pop_back();
    return out;
}

// Domain names in RDATA uncompressed, as dns/resolver.h has them.
std::optional<std::string> plain_rdata(const ns_msg& message, const ns_rr& record) {
    const auto* data = ns_rr_rdata(record);
    const std::size_t size = ns_rr_rdlen(record);
    std::string out(reinterpret_cast<const char*>(data), size);
    if (ns_rr_type(record) != ns_t_mx) return out;
    constexpr std::size_t preference_size = 2;
    if (size <= preference_size) return std::nullopt;
    unsigned char name[NS_MAXCDNAME];
    const int length = ns_name_unpack(ns_msg_base(message), ns_msg_end(message),
                                      data + preference_size, name, sizeof name);
    if (length < 0) return std::nullopt;
    const unsigned char* end = name;
    while (*end != 0)
        end += *end + 1;
    out.resize(preference_size);
    out.append(reinterpret_cast<const char*>(name), static_cast<std::size_t>(end - name) + 1);
    return out;
}

std::vector<ns_rr> answers_of(ns_msg& message) {
    std::vector<ns_rr> out;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) break;
        out.push_back(record);
    }
    return out;
}

// Where the CNAMEs lead from the name.
std::string end_of_aliases(const ns_msg& message, const std::vector<ns_rr>& records,
                           std::string name) {
    for (int i = 0; i < max_chain; i++) {
        bool led = false;
        for (const ns_rr& record : records) {
            if (ns_rr_type(record) != ns_t_cname || lower_ascii(ns_rr_name(record)) != name)
                continue;
            if (auto next = name_at(message, ns_rr_rdata(record))) {
                name = *std::move(next);
                led = true;
            }
            break;
        }
        if (!led) break;
    }
    return name;
}

dns::Answer failed(std::string reason) {
    dns::Answer out;
    out.reason = std::move(reason);
    out.failure = dns::Failure::servfail;
    return out;
}

dns::Answer answer_in(const std::string& bytes, const std::string& name, dns::RrType type) {
    ns_msg message;
    if (ns_initparse(reinterpret_cast<const unsigned char*>(bytes.data()),
                     static_cast<int>(bytes.size()), &message) != 0)
        return failed("an answer that cannot be read");
    const int rcode = ns_msg_getflag(message, ns_f_rcode);
    if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) return failed(rcode_text(rcode));
    dns::Answer out;
    out.security =
        ns_msg_getflag(message, ns_f_ad) != 0 ? dns::Security::secure : dns::Security::insecure;
    const std::vector<ns_rr> records = answers_of(message);
    const std::string asked = lower_ascii(name);
    const bool for_alias = type == dns::RrType::cname;
    const std::string owner = for_alias ? asked : end_of_aliases(message, records, asked);
    if (owner != asked) out.canonical_name = owner;
    for (const ns_rr& record : records)
        if (ns_rr_type(record) == static_cast<int>(type) &&
            lower_ascii(ns_rr_name(record)) == owner)
            if (auto rdata = plain_rdata(message, record)) {
                out.rdata.push_back(*std::move(rdata));
                out.ttl = seconds(ns_rr_ttl(record));
            }
    out.status = !out.rdata.empty()       ? dns::Status::found
                 : rcode == ns_r_nxdomain ? dns::Status::nxdomain
                                          : dns::Status::no_data;
    return out;
}

} // namespace

dns::Answer PostfixResolver::ask(const std::string& name, dns::RrType type) {
    dns::Answer last = failed(fault_.empty() ? "no name server" : fault_);
    for (auto server = servers_.begin(); server != servers_.end();) {
        const auto reply =
            dns_query(*server, name, static_cast<std::uint16_t>(type), Checking::enabled);
        if (!reply) {
            fault_ = fmt::format("{}: {}", *server, reply.error());
            last = failed(fault_);
            server = servers_.erase(server);
            continue;
        }
        last = answer_in(*reply, name, type);
        if (!dns::is_failure(last)) break;
        last.reason = fmt::format("{} answers {}", *server, last.reason);
        ++server;
    }
    if (ad_ == Ad::ignored) last.security = dns::Security::insecure;
    return last;
}

async::Task<dns::Answer> PostfixResolver::resolve(std::string name, dns::RrType type) {
    co_return ask(name, type);
}

} // namespace postseal::survey
