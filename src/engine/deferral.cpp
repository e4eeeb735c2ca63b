// SPDX-License-Identifier: BSD-3-Clause
#include "engine/deferral.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

namespace postseal::engine {

std::string Deferral::text() const {
    return all || maps.empty() ? reason : fmt::format("map {}: {}", maps.front(), reason);
}

Deferral deferral(const Answer& answer) {
    Deferral out;
    std::size_t asked = 0;
    const auto consider = [&](std::string name, std::size_t variant) {
        if (answer.maps->variants()[variant].reply.form == verdict::Form::requiretls) return;
        asked++;
        const verdict::Reply& reply = answer.written[variant];
        if (reply.kind != verdict::Reply::Kind::temp) return;
        if (out.maps.empty()) {
            out.reason = reply.text;
            out.cause = reply.cause;
        }
        out.maps.push_back(std::move(name));
    };
    for (const auto& [name, variant] : answer.maps->all())
        consider(name, variant);
    for (const auto& [name, variant] : answer.maps->tcp_tables())
        consider("tcp:" + name, variant);
    out.all = !out.maps.empty() && out.maps.size() == asked;
    return out;
}

} // namespace postseal::engine
