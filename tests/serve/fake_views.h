// serve/fake_views.h: a daemon whose looks are as the test says
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/daemon_status.h"

#include <string>
#include <vector>

namespace postseal::test {

struct FakeViews final : serve::DaemonStatus {
    [[nodiscard]] std::vector<serve::PartHealth> health() override { return parts; }
    async::Task<std::string> metrics() override { co_return "postseal_x 1\n"; }
    async::Task<std::string> status() override { co_return "{}\n"; }

    std::vector<serve::PartHealth> parts{{"store", ""}, {"dns", ""}};
};

} // namespace postseal::test
