// engine/maps.h: the maps by name, and the few ways of answering that clients share
//
// Several maps may judge and write alike; such a way is a variant, and an answer is written once
// for each variant, as it goes over the wire. tcp_table listeners need variants of their own, whose
// octets are counted as that protocol codes them, and delegation listeners have one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/replies.h"
#include "config/config.h"
#include "postseal/verdict/action.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/reply.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::engine {

struct Variant {
    std::size_t verdict = 0; // of Maps::verdicts()
    config::Protocol protocol = config::Protocol::socketmap;
    verdict::ReplyOptions reply; // socketmap, tcp_table
    friend bool operator==(const Variant&, const Variant&) = default;
};

class Maps {
  public:
    explicit Maps(const config::Config& config);

    // The variant that the map writes for socketmap; nothing: there is no such map. Names of maps
    // are the same in any case: other servers fold it, and main.cf files written for them do not.
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    // The same, with the name as the configuration writes it: a client may write it in many ways,
    // and each would be counted by itself. Null: there is no such map.
    [[nodiscard]] const std::pair<std::string, std::size_t>* named(std::string_view name) const;
    // Of a map that a tcp_table listener offers.
    [[nodiscard]] std::optional<std::size_t> tcp_table(std::string_view name) const;
    // Of all tcp_table listeners, each map once.
    [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& tcp_tables() const {
        return tcp_table_;
    }
    // Nothing: there is no delegation listener.
    [[nodiscard]] std::optional<std::size_t> delegation() const { return delegation_; }

    // One of these three, by the protocol; the name means nothing to delegation.
    [[nodiscard]] std::optional<std::size_t> variant(config::Protocol protocol,
                                                     std::string_view name) const;

    // The ways of judging; the first is that of [verdict].
    [[nodiscard]] const std::vector<verdict::Options>& verdicts() const { return verdicts_; }
    [[nodiscard]] const std::vector<Variant>& variants() const { return variants_; }
    [[nodiscard]] const verdict::Actions& actions() const { return actions_; }

    // For a key that is not a nexthop, and so has no policy: what is said, and how it goes over the
    // wire. One a variant.
    [[nodiscard]] const std::vector<verdict::Reply>& no_nexthop() const { return no_nexthop_; }
    [[nodiscard]] const cache::Replies& no_nexthop_wire() const { return no_nexthop_wire_; }

    // "postfix, QUERY, ...", for messages.
    [[nodiscard]] std::string names() const;
    // For socketmap, in the configuration's order.
    [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& all() const {
        return maps_;
    }

    friend bool operator==(const Maps&, const Maps&) = default;

  private:
    std::size_t add(const config::Map& map, config::Protocol protocol);
    std::size_t add(const Variant& variant);

    std::vector<std::pair<std::string, std::size_t>> maps_;
    std::vector<std::pair<std::string, std::size_t>> tcp_table_;
    std::optional<std::size_t> delegation_;
    std::vector<verdict::Options> verdicts_;
    std::vector<Variant> variants_;
    verdict::Actions actions_;
    std::vector<verdict::Reply> no_nexthop_;
    cache::Replies no_nexthop_wire_;
};

// A whole reply in the variant's protocol, ready to be written.
[[nodiscard]] std::string to_wire(const verdict::Reply& reply, config::Protocol protocol);

} // namespace postseal::engine
