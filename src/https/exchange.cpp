// SPDX-License-Identifier: BSD-3-Clause
#include "https/exchange.h"

#include "async/timeout.h"
#include "https/get.h"
#include "https/response.h"
#include "tls/connect.h"
#include "tls/stream.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

namespace postseal::https {
namespace {

// What is being waited for; outlives the steps, to be told after a time-out.
struct Progress {
    enum class Step { connect, handshake, answer };
    Step step = Step::connect;
    std::optional<tls::Address> peer;
    ResponseParser parser;
};

std::string late(const ExchangeRequest& request, const Progress& progress) {
    switch (progress.step) {
    case Progress::Step::connect: {
        std::vector<std::string> all;
        for (const tls::Address& address : tls::take_turns(request.addresses))
            all.push_back(fmt::format("[{}]", address.to_string()));
        return fmt::format("{} no connection within {}", fmt::join(all, ", "),
                           limit_text(request.limit));
    }
    case Progress::Step::handshake:
        return fmt::format("the TLS handshake did not end within {}", limit_text(request.limit));
    case Progress::Step::answer:
        return fmt::format("no complete answer within {}; stopped {}", limit_text(request.limit),
                           progress.parser.where());
    }
    std::unreachable();
}

// connect() and late() name the addresses themselves where there are several.
FetchError placed(const ExchangeRequest& request, const Progress& progress, FetchError error) {
    error.reason = progress.peer ? fmt::format("{} [{}]: {}", request.host,
                                               progress.peer->to_string(), error.reason)
                                 : fmt::format("{} {}", request.host, error.reason);
    return error;
}

async::Task<FetchResult> run(async::UvLoop& loop, std::shared_ptr<const tls::Trust> trust,
                             const ExchangeRequest& request, Progress& progress) {
    auto connected = co_await tls::connect(loop, request.addresses, request.port);
    if (!connected) co_return std::unexpected(fetch_error(std::move(connected.error())));
    progress.peer = connected->address;
    progress.step = Progress::Step::handshake;
    tls::Stream stream(loop, std::move(trust), connected->socket.get(), request.host);
    auto secured = co_await stream.handshake();
    if (!secured) co_return std::unexpected(fetch_error(std::move(secured.error())));
    progress.step = Progress::Step::answer;
    auto body = co_await get(stream, progress.parser, request.host, std::string(policy_path));
    if (!body) co_return std::unexpected(std::move(body.error()));
    auto policy = mtasts::parse_policy(*body);
    if (!policy) {
        const std::string where =
            policy.error().line == 0 ? "" : fmt::format("line {}: ", policy.error().line);
        co_return std::unexpected(
            FetchError{.fault = FetchFault::policy,
                       .reason = fmt::format("no policy: {}{}", where, policy.error().text),
                       .ours = false,
                       .body = std::move(*body)});
    }
    co_return FetchedPolicy{.policy = std::move(*policy),
                            .body = std::move(*body),
                            .note = progress.parser.note(),
                            .date = progress.parser.date(),
                            .address = connected->address.to_string()};
}

} // namespace

async::Task<FetchResult> exchange(async::UvLoop& loop, std::shared_ptr<const tls::Trust> trust,
                                  ExchangeRequest request) {
    Progress progress;
    auto result = co_await async::with_timeout(loop, run(loop, std::move(trust), request, progress),
                                               request.left);
    if (!result) result = std::unexpected(FetchError{FetchFault::timeout, late(request, progress)});
    if (!*result) co_return std::unexpected(placed(request, progress, std::move(result->error())));
    co_return std::move(*result);
}

} // namespace postseal::https
