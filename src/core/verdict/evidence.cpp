// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/evidence.h"

#include "postseal/verdict/postfix_policy.h"

#include <algorithm>

namespace postseal::verdict {

bool Override::protects() const {
    if (kind != Kind::policy) return kind == Kind::sealed;
    const auto read = read_override(policy);
    return !read || verdict::protects(*read);
}

char letter(HostState state) {
    switch (state) {
    case HostState::usable:
        return 'U';
    case HostState::unusable:
        return 'X';
    case HostState::none:
        return 'N';
    case HostState::failed:
        return 'F';
    case HostState::no_address:
        return 'A';
    }
    return '?';
}

std::string_view to_string(HostState state) {
    switch (state) {
    case HostState::usable:
        return "usable TLSA";
    case HostState::unusable:
        return "unusable TLSA";
    case HostState::none:
        return "no TLSA";
    case HostState::failed:
        return "lookup failed";
    case HostState::no_address:
        return "no address";
    }
    return "?";
}

std::string_view to_string(MxState state) {
    switch (state) {
    case MxState::secure:
        return "secure";
    case MxState::insecure:
        return "insecure";
    case MxState::bogus:
        return "bogus";
    case MxState::failed:
        return "failed";
    case MxState::null_mx:
        return "null MX";
    case MxState::nxdomain:
        return "NXDOMAIN";
    }
    return "?";
}

std::string_view to_string(RecordState state) {
    switch (state) {
    case RecordState::pending:
        return "pending";
    case RecordState::found:
        return "found";
    case RecordState::absent:
        return "absent";
    case RecordState::invalid:
        return "invalid";
    case RecordState::failed:
        return "failed";
    }
    return "?";
}

std::string_view to_string(FetchState state) {
    switch (state) {
    case FetchState::not_needed:
        return "not needed";
    case FetchState::fetched:
        return "fetched";
    case FetchState::failed:
        return "failed";
    case FetchState::invalid:
        return "invalid";
    case FetchState::pending:
        return "pending";
    case FetchState::waiting:
        return "waiting";
    }
    return "?";
}

std::string_view to_string(Remembered remembered) {
    switch (remembered) {
    case Remembered::nothing:
        return "nothing";
    case Remembered::no_dane:
        return "no DANE";
    case Remembered::dane:
        return "DANE";
    }
    return "?";
}

bool may_be_relay(const Evidence& evidence) {
    const Mx& mx = evidence.mx;
    return evidence.nexthop.literal_host || mx.implicit ||
           std::ranges::find(mx.hosts, evidence.nexthop.domain, &Host::name) != mx.hosts.end();
}

bool any_failed(const Evidence& evidence) {
    return evidence.mx.state == MxState::bogus || evidence.mx.state == MxState::failed ||
           std::ranges::find(evidence.mx.hosts, HostState::failed, &Host::state) !=
               evidence.mx.hosts.end() ||
           evidence.sts.record == RecordState::failed || evidence.sts.unknown(evidence.obtained_at);
}

} // namespace postseal::verdict
