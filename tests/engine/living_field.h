// engine/living_field.h: a Field whose engine is refreshed, as the daemon's is
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/field.h"
#include "engine/refresh.h"

#include <memory>

namespace postseal::test {

struct LivingField : Field {
    explicit LivingField(engine::RefreshLimits refresh_limits = {},
                         engine::Options engine_options = {})
        : Field(engine_options), limits(refresh_limits) {
        begin();
    }
    void begin() { refresh = std::make_unique<engine::Refresh>(*engine, limits); }
    void end() { refresh.reset(); }
    // A new engine with an empty memory on the old store.
    void restart() {
        end();
        Field::restart();
        begin();
    }

    engine::RefreshLimits limits;
    std::unique_ptr<engine::Refresh> refresh;
};

} // namespace postseal::test
