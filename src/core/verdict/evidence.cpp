// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/evidence.h"

#include "postseal/base/names.h"
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

constexpr auto host_state_names = names_for<HostState>({
    {HostState::usable, "usable TLSA"},
    {HostState::unusable, "unusable TLSA"},
    {HostState::none, "no TLSA"},
    {HostState::failed, "lookup failed"},
    {HostState::no_address, "no address"},
});
std::string_view to_string(HostState state) { return host_state_names[state]; }

constexpr auto mx_state_names = names_for<MxState>({
    {MxState::secure, "secure"},
    {MxState::insecure, "insecure"},
    {MxState::bogus, "bogus"},
    {MxState::failed, "failed"},
    {MxState::null_mx, "null MX"},
    {MxState::nxdomain, "NXDOMAIN"},
});
std::string_view to_string(MxState state) { return mx_state_names[state]; }

constexpr auto record_state_names = names_for<RecordState>({
    {RecordState::pending, "pending"},
    {RecordState::found, "found"},
    {RecordState::absent, "absent"},
    {RecordState::invalid, "invalid"},
    {RecordState::failed, "failed"},
});
std::string_view to_string(RecordState state) { return record_state_names[state]; }

constexpr auto fetch_state_names = names_for<FetchState>({
    {FetchState::not_needed, "not needed"},
    {FetchState::fetched, "fetched"},
    {FetchState::failed, "failed"},
    {FetchState::invalid, "invalid"},
    {FetchState::pending, "pending"},
    {FetchState::waiting, "waiting"},
});
std::string_view to_string(FetchState state) { return fetch_state_names[state]; }

constexpr auto remembered_names = names_for<Remembered>({{Remembered::nothing, "nothing"},
                                                         {Remembered::no_dane, "no DANE"},
                                                         {Remembered::dane, "DANE"}});
std::string_view to_string(Remembered remembered) { return remembered_names[remembered]; }

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
