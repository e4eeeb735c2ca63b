// SPDX-License-Identifier: BSD-3-Clause
#include "cli/shared_store.h"

#include "cli/exit_status.h"
#include "cli/setup.h"

#include <fmt/format.h>

namespace postseal::cli {

std::expected<std::unique_ptr<SharedAccess>, ClientError> shared_access(const Common& common,
                                                                        milliseconds answer) {
    const auto config = load_config(common);
    if (!config) return std::unexpected(config.error());
    if (!config::has_shared_store(*config))
        return std::unexpected(
            ClientError{bad_config, "there is no shared store: the key store says \"sqlite\""});
    auto location = fleet::parse_server_location(config->store);
    if (!location) return std::unexpected(ClientError{bad_config, std::move(location.error())});
    return std::make_unique<SharedAccess>(config->store, *std::move(location), answer);
}

ClientError client_error(const SharedAccess& shared, const fleet::Error& error) {
    using fleet::Fault;
    const bool away = error.fault == Fault::unreachable || error.fault == Fault::slow;
    const int status = away                            ? unreachable
                       : error.fault == Fault::schema  ? bad_config
                       : error.fault == Fault::refused ? bad_config
                                                       : temporary;
    return {status, fmt::format("{}: {}", shared.location.shown, error.text)};
}

} // namespace postseal::cli
