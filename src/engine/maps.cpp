// SPDX-License-Identifier: BSD-3-Clause
#include "engine/maps.h"

#include "postseal/base/text.h"
#include "postseal/wire/delegation.h"
#include "postseal/wire/socketmap.h"
#include "postseal/wire/tcp_table.h"

#include <algorithm>

namespace postseal::engine {
namespace {

using Named = std::vector<std::pair<std::string, std::size_t>>;
using verdict::Reply;

const Named::value_type* named_in(const Named& maps, std::string_view name) {
    const auto found = std::ranges::find_if(maps, [name](const Named::value_type& map) {
        return equals_ignoring_case(map.first, name);
    });
    return found == maps.end() ? nullptr : &*found;
}

std::optional<std::size_t> variant_of(const Named& maps, std::string_view name) {
    const Named::value_type* map = named_in(maps, name);
    return map == nullptr ? std::nullopt : std::optional(map->second);
}

// The place of a value in the list, which gets it if it is not there.
template <class T> std::size_t place_of(const T& value, std::vector<T>& list) {
    auto found = std::ranges::find(list, value);
    if (found == list.end()) found = list.insert(found, value);
    return static_cast<std::size_t>(found - list.begin());
}

Reply no_nexthop_reply(const Variant& variant) {
    if (variant.protocol == config::Protocol::delegation)
        return {.kind = Reply::Kind::ok, .text = std::string(verdict::dunno), .defect = {}};
    return verdict::no_nexthop(variant.reply.form);
}

std::string to_socketmap(const Reply& reply) {
    switch (reply.kind) {
    case Reply::Kind::ok:
        return wire::socketmap::ok(reply.text);
    case Reply::Kind::not_found:
        return wire::socketmap::not_found();
    case Reply::Kind::temp:
        return wire::socketmap::temp(reply.text);
    }
    return wire::socketmap::temp("internal error");
}

std::string to_tcp_table(const Reply& reply) {
    switch (reply.kind) {
    case Reply::Kind::ok:
        return wire::tcp_table::ok(reply.text);
    case Reply::Kind::not_found:
        return wire::tcp_table::not_found("no policy");
    case Reply::Kind::temp:
        return wire::tcp_table::temp(reply.text);
    }
    return wire::tcp_table::temp("internal error");
}

} // namespace

Maps::Maps(const config::Config& config) : actions_(config.delegation) {
    using config::Protocol;
    verdicts_.push_back(config.verdict);
    for (const config::Map& map : config.maps)
        maps_.emplace_back(map.name, add(map, Protocol::socketmap));
    for (const config::Listen& listen : config.listen) {
        if (listen.protocol == Protocol::delegation)
            delegation_ = add({.protocol = Protocol::delegation, .reply = {}});
        if (listen.protocol != Protocol::tcp_table) continue;
        for (const config::Map& map : config.maps)
            if (std::ranges::any_of(listen.maps, [&map](const std::string& name) {
                    return equals_ignoring_case(name, map.name);
                }))
                tcp_table_.emplace_back(map.name, add(map, Protocol::tcp_table));
    }
}

std::size_t Maps::add(const config::Map& map, config::Protocol protocol) {
    Variant variant{
        .verdict = place_of(map.verdict, verdicts_), .protocol = protocol, .reply = map.reply};
    if (protocol == config::Protocol::tcp_table) {
        variant.reply.coding = verdict::Coding::percent;
        variant.reply.limit = wire::tcp_table::max_value;
    }
    return add(variant);
}

std::size_t Maps::add(const Variant& variant) {
    const std::size_t place = place_of(variant, variants_);
    if (place == no_nexthop_.size()) {
        no_nexthop_.push_back(no_nexthop_reply(variant));
        no_nexthop_wire_.push_back(to_wire(no_nexthop_.back(), variant.protocol));
    }
    return place;
}

std::optional<std::size_t> Maps::find(std::string_view name) const {
    return variant_of(maps_, name);
}

const std::pair<std::string, std::size_t>* Maps::named(std::string_view name) const {
    return named_in(maps_, name);
}

std::optional<std::size_t> Maps::tcp_table(std::string_view name) const {
    return variant_of(tcp_table_, name);
}

std::optional<std::size_t> Maps::variant(config::Protocol protocol, std::string_view name) const {
    switch (protocol) {
    case config::Protocol::socketmap:
        return find(name);
    case config::Protocol::tcp_table:
        return tcp_table(name);
    case config::Protocol::delegation:
        return delegation_;
    case config::Protocol::admin:
    case config::Protocol::http:
        break;
    }
    return std::nullopt;
}

std::string Maps::names() const {
    std::string out;
    for (const auto& [name, variant] : maps_)
        out += (out.empty() ? "" : ", ") + name;
    return out;
}

std::string to_wire(const Reply& reply, config::Protocol protocol) {
    if (protocol == config::Protocol::delegation)
        return wire::delegation::action(reply.kind == Reply::Kind::ok ? reply.text
                                                                      : verdict::dunno);
    return protocol == config::Protocol::tcp_table ? to_tcp_table(reply) : to_socketmap(reply);
}

} // namespace postseal::engine
