// serve/fake_status.h: a daemon that is as the test says
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/daemon_status.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace postseal::test {

struct FakeStatus final : serve::DaemonStatus {
    [[nodiscard]] std::vector<serve::PartHealth> health() override { return parts; }
    async::Task<std::string> metrics() override { co_return "postseal_x 1\n"; }
    [[nodiscard]] Json status() override { return {{"queries", {{"total", 7}}}}; }
    async::Task<Json> page() override { co_return Json::object(); }
    [[nodiscard]] const config::Config& configuration() const override { return config; }

    config::Config config;
    std::vector<serve::PartHealth> parts{{"store", ""}, {"dns", ""}};
};

} // namespace postseal::test
