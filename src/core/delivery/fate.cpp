// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/names.h"
#include "postseal/delivery/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::delivery {
namespace {

using verdict::HostState;
using verdict::MxState;

Fate::Kind kind_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::sealed:
        return Fate::Kind::sealed;
    case Outcome::encrypted:
        return Fate::Kind::encrypted;
    case Outcome::clear:
        return Fate::Kind::clear;
    case Outcome::unknown:
        return Fate::Kind::unknown;
    case Outcome::refused:
    case Outcome::unreachable:
        break;
    }
    return Fate::Kind::deferred;
}

// What is known before any host is tried.
std::optional<Fate> settled(const Destination& destination, const Orders& orders) {
    const bool nowhere = std::ranges::all_of(destination.hosts, [](const MxHost& host) {
        return host.host.state == HostState::no_address;
    });
    switch (destination.mx) {
    case MxState::bogus:
    case MxState::failed:
        return Fate{.kind = Fate::Kind::deferred, .host = {}, .why = destination.mx_reason};
    case MxState::null_mx:
    case MxState::nxdomain:
        return Fate{.kind = Fate::Kind::bounced, .host = {}, .why = destination.mx_reason};
    case MxState::secure:
    case MxState::insecure:
        break;
    }
    if (nowhere)
        return Fate{.kind = Fate::Kind::bounced, .host = {}, .why = "no MX host has an address"};
    if (!orders.defer.empty())
        return Fate{.kind = Fate::Kind::deferred, .host = {}, .why = orders.defer};
    return std::nullopt;
}

// Of what would happen at addresses that are tried in any order; the weaker delivery wins.
struct Best {
    std::optional<Fate> fate;

    void take(const MxHost& host, const Prediction& prediction) {
        const bool counts = delivers(prediction.outcome) || prediction.outcome == Outcome::unknown;
        if (!counts) return;
        const Fate::Kind kind = kind_of(prediction.outcome);
        if (fate && (fate->kind == Fate::Kind::unknown || kind <= fate->kind)) return;
        fate = Fate{.kind = kind, .host = host.host.name.name(), .why = prediction.why};
    }
};

} // namespace

constexpr auto fate_kind_names = names_for<Fate::Kind>({
    {Fate::Kind::sealed, "sealed"},
    {Fate::Kind::encrypted, "encrypted"},
    {Fate::Kind::clear, "clear"},
    {Fate::Kind::deferred, "deferred"},
    {Fate::Kind::bounced, "bounced"},
    {Fate::Kind::unknown, "unknown"},
});
std::string_view to_string(Fate::Kind kind) { return fate_kind_names[kind]; }

Fate fate(const Destination& destination, const Orders& orders) {
    if (auto known = settled(destination, orders)) return *std::move(known);
    Best best;
    std::string first_refusal;
    std::string first_failure;
    std::size_t tried = 0;
    std::optional<std::uint16_t> preference;
    for (const MxHost& host : destination.hosts) {
        if (best.fate && preference != host.host.preference) break;
        preference = host.host.preference;
        if (host.attempts.empty() && first_failure.empty()) first_failure = host.no_address;
        for (const Attempt& attempt : host.attempts) {
            if (tried == orders.smtp.address_limit && tried > 0) break;
            tried++;
            const Prediction prediction = predict(destination, host, attempt, orders);
            best.take(host, prediction);
            std::string& first =
                prediction.outcome == Outcome::refused ? first_refusal : first_failure;
            if (first.empty() && !delivers(prediction.outcome))
                first = fmt::format("{}: {}", host.host.name.name(), prediction.why);
        }
    }
    if (best.fate) return *std::move(best.fate);
    return {.kind = Fate::Kind::deferred,
            .host = {},
            .why = first_refusal.empty() ? std::move(first_failure) : std::move(first_refusal)};
}

bool seems_blocked(const Destination& destination) {
    std::size_t attempts = 0;
    for (const MxHost& host : destination.hosts)
        for (const Attempt& attempt : host.attempts) {
            attempts++;
            if (!attempt.fault || attempt.fault->step != Step::connect || !attempt.fault->late)
                return false;
        }
    return attempts > 0;
}

} // namespace postseal::delivery
