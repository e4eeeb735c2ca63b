// verdict/some_evidence.h: evidence made of chance
//
// `Input` gives numbers and texts as libFuzzer's FuzzedDataProvider does; what is there is what
// servers and DNS may say, not only what makes sense.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/evidence.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace postseal::test {

// Often one of a few, so that hosts and patterns meet.
template <class Input> Domain some_domain(Input& in) {
    const char* const usual = in.PickValueInArray(
        {"example.com", "mx1.example.com", "mx2.example.com", "hostname", "dot-nexthop", ""});
    const std::string name = *usual == '\0' ? in.ConsumeRandomLengthString(64) : usual;
    return Domain::parse(name).value_or(Domain::parse("mx3.example.com").value());
}

template <class Input> verdict::Host some_host(Input& in) {
    return {.name = some_domain(in),
            .preference = in.template ConsumeIntegral<std::uint16_t>(),
            .state = static_cast<verdict::HostState>(in.ConsumeIntegralInRange(0, 4)),
            .address_secure = in.ConsumeBool(),
            .tlsa_name = in.ConsumeRandomLengthString(64),
            .tlsa = {{.usage = 3,
                      .selector = 1,
                      .matching_type = 1,
                      .data = in.ConsumeRandomLengthString(33)}},
            .reason = in.ConsumeRandomLengthString(300)};
}

template <class Input> mtasts::Policy some_policy(Input& in) {
    mtasts::Policy out;
    out.mode = static_cast<mtasts::Mode>(in.ConsumeIntegralInRange(0, 2));
    out.max_age = seconds(in.ConsumeIntegralInRange(0, 31'557'600));
    for (int left = in.ConsumeIntegralInRange(0, 5); left > 0; left--)
        out.lines.push_back(in.ConsumeRandomLengthString(80));
    out.mx.push_back({.wildcard = in.ConsumeBool(), .domain = some_domain(in)});
    for (int left = in.ConsumeIntegralInRange(0, 5); left > 0; left--)
        out.mx.push_back({.wildcard = in.ConsumeBool(), .domain = some_domain(in)});
    return out;
}

template <class Input> verdict::Sts some_sts(Input& in) {
    verdict::Sts out;
    out.record = static_cast<verdict::RecordState>(in.ConsumeIntegralInRange(0, 4));
    out.record_reason = in.ConsumeRandomLengthString(80);
    out.fetch = static_cast<verdict::FetchState>(in.ConsumeIntegralInRange(0, 4));
    out.fetch_reason = in.ConsumeRandomLengthString(80);
    if (in.ConsumeBool()) out.policy = some_policy(in);
    out.policy_id = in.ConsumeRandomLengthString(40);
    out.expires_at = WallTime(milliseconds(in.template ConsumeIntegral<std::int64_t>()));
    return out;
}

template <class Input> verdict::Evidence some_evidence(Input& in) {
    verdict::Evidence out{.nexthop = {.domain = some_domain(in), .literal_host = in.ConsumeBool()},
                          .mx = {},
                          .sts = some_sts(in),
                          .remembered =
                              static_cast<verdict::Remembered>(in.ConsumeIntegralInRange(0, 2)),
                          .override_ = {},
                          .obtained_at = {},
                          .partial = in.ConsumeBool()};
    out.mx.state = static_cast<verdict::MxState>(in.ConsumeIntegralInRange(0, 5));
    out.mx.implicit = in.ConsumeBool();
    out.mx.canonical_name = in.ConsumeRandomLengthString(64);
    out.mx.reason = in.ConsumeRandomLengthString(300);
    for (int left = in.ConsumeIntegralInRange(0, 4); left > 0; left--)
        out.mx.hosts.push_back(some_host(in));
    out.mx.beyond = in.template ConsumeIntegralInRange<std::size_t>(0, 3);
    out.mx.addresses = in.template ConsumeIntegralInRange<std::size_t>(0, 2);
    if (in.ConsumeBool())
        out.override_ = verdict::Override{
            .kind = static_cast<verdict::Override::Kind>(in.ConsumeIntegralInRange(0, 2)),
            .policy = in.ConsumeRandomLengthString(200)};
    return out;
}

} // namespace postseal::test
