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

MessageOutcome::Kind kind_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::sealed:
        return MessageOutcome::Kind::sealed;
    case Outcome::encrypted:
        return MessageOutcome::Kind::encrypted;
    case Outcome::clear:
        return MessageOutcome::Kind::clear;
    case Outcome::unknown:
        return MessageOutcome::Kind::unknown;
    case Outcome::refused:
    case Outcome::unreachable:
        break;
    }
    return MessageOutcome::Kind::deferred;
}

// What is known before any host is tried.
std::optional<MessageOutcome> settled(const Destination& destination, const Orders& orders) {
    const bool nowhere = std::ranges::all_of(destination.hosts, [](const MxHost& host) {
        return host.host.state == HostState::no_address;
    });
    switch (destination.mx) {
    case MxState::bogus:
    case MxState::failed:
        return MessageOutcome{
            .kind = MessageOutcome::Kind::deferred, .host = {}, .why = destination.mx_reason};
    case MxState::null_mx:
    case MxState::nxdomain:
        return MessageOutcome{
            .kind = MessageOutcome::Kind::bounced, .host = {}, .why = destination.mx_reason};
    case MxState::secure:
    case MxState::insecure:
        break;
    }
    if (nowhere)
        return MessageOutcome{
            .kind = MessageOutcome::Kind::bounced, .host = {}, .why = "no MX host has an address"};
    if (!orders.defer.empty())
        return MessageOutcome{
            .kind = MessageOutcome::Kind::deferred, .host = {}, .why = orders.defer};
    return std::nullopt;
}

// Of what would happen at addresses that are tried in any order; the weaker delivery wins.
struct Best {
    std::optional<MessageOutcome> outcome;

    void take(const MxHost& host, const Prediction& prediction) {
        const bool counts = delivers(prediction.outcome) || prediction.outcome == Outcome::unknown;
        if (!counts) return;
        const MessageOutcome::Kind kind = kind_of(prediction.outcome);
        if (outcome && (outcome->kind == MessageOutcome::Kind::unknown || kind <= outcome->kind))
            return;
        outcome =
            MessageOutcome{.kind = kind, .host = host.host.name.name(), .why = prediction.why};
    }
};

} // namespace

constexpr auto message_outcome_kind_names = names_for<MessageOutcome::Kind>({
    {MessageOutcome::Kind::sealed, "sealed"},
    {MessageOutcome::Kind::encrypted, "encrypted"},
    {MessageOutcome::Kind::clear, "clear"},
    {MessageOutcome::Kind::deferred, "deferred"},
    {MessageOutcome::Kind::bounced, "bounced"},
    {MessageOutcome::Kind::unknown, "unknown"},
});
std::string_view to_string(MessageOutcome::Kind kind) { return message_outcome_kind_names[kind]; }

MessageOutcome message_outcome(const Destination& destination, const Orders& orders) {
    if (auto known = settled(destination, orders)) return *std::move(known);
    Best best;
    std::string first_refusal;
    std::string first_failure;
    std::size_t tried = 0;
    std::optional<std::uint16_t> preference;
    for (const MxHost& host : destination.hosts) {
        if (best.outcome && preference != host.host.preference) break;
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
    if (best.outcome) return *std::move(best.outcome);
    return {.kind = MessageOutcome::Kind::deferred,
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
