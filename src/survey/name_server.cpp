// SPDX-License-Identifier: BSD-3-Clause
#include "survey/name_server.h"

#include "survey/dns_query.h"

#include <arpa/nameser.h>
#include <fmt/format.h>

#include <expected>

namespace postseal::survey {
namespace {

struct Reply {
    int rcode = 0;
    bool ad = false;
    std::optional<doctor::Signature> signature;
};

WallTime wall_time(unsigned long epoch) {
    return WallTime(seconds(static_cast<std::int64_t>(epoch)));
}

// RFC 4034 section 3.1: expiration at octet 8, inception at 12.
std::optional<doctor::Signature> signature_in(ns_msg& message) {
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) return std::nullopt;
        if (ns_rr_type(record) != ns_t_rrsig || ns_rr_rdlen(record) < 18) continue;
        const unsigned char* data = ns_rr_rdata(record);
        return doctor::Signature{.inception = wall_time(ns_get32(data + 12)),
                                 .expiration = wall_time(ns_get32(data + 8))};
    }
    return std::nullopt;
}

std::expected<Reply, std::string> ask(const std::string& address, Checking checking) {
    const auto bytes = dns_query(address, "", ns_t_soa, checking); // of the root
    if (!bytes) return std::unexpected(bytes.error());
    ns_msg message;
    if (ns_initparse(reinterpret_cast<const unsigned char*>(bytes->data()),
                     static_cast<int>(bytes->size()), &message) != 0)
        return std::unexpected("an answer that cannot be read");
    return Reply{.rcode = ns_msg_getflag(message, ns_f_rcode),
                 .ad = ns_msg_getflag(message, ns_f_ad) != 0,
                 .signature = signature_in(message)};
}

} // namespace

doctor::NameServer ask_name_server(const std::string& address) {
    doctor::NameServer out{.address = address};
    const auto reply = ask(address, Checking::enabled);
    if (!reply) {
        out.fault = reply.error();
        return out;
    }
    out.ad = reply->ad;
    out.signature = reply->signature;
    if (reply->rcode == ns_r_noerror) return out;
    out.fault = fmt::format("answers {} for the SOA record of the root", rcode_text(reply->rcode));
    if (const auto unchecked = ask(address, Checking::disabled))
        out.signature = unchecked->signature;
    return out;
}

} // namespace postseal::survey
