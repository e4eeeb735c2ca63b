// SPDX-License-Identifier: BSD-3-Clause
#include "probe/attempt.h"

#include "async/timeout.h"
#include "postseal/base/text.h"
#include "smtp/session.h"
#include "tls/connect.h"
#include "tls/inspect.h"
#include "tls/stream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <expected>
#include <iterator>
#include <optional>
#include <utility>

namespace postseal::probe {
namespace {

using delivery::Attempt;
using delivery::Step;
using wire::smtp::Reply;

constexpr int ready = 220;

std::string late_words(Step step) {
    switch (step) {
    case Step::connect:
        return "no connection";
    case Step::greeting:
        return "no greeting";
    case Step::ehlo:
        return "no answer to EHLO";
    case Step::starttls:
        return "no answer to STARTTLS";
    case Step::handshake:
        return "the TLS handshake did not end";
    }
    return "nothing";
}

// The body's value if the step succeeds in time; else, or if it is cancelled, the attempt has its
// fault.
template <class T>
async::Task<std::optional<T>> timed(async::UvLoop& loop, Attempt& attempt, Step step,
                                    async::Task<std::expected<T, std::string>> body,
                                    milliseconds limit) {
    const MonoTime begin = loop.now();
    attempt.fault = {
        .step = step, .late = true, .reason = late_words(step) + " in the time in all"};
    auto result = co_await async::with_timeout(loop, std::move(body), limit);
    if (!result) {
        attempt.fault = {.step = step,
                         .late = true,
                         .reason =
                             fmt::format("{} within {}", late_words(step), limit_text(limit))};
        co_return std::nullopt;
    }
    if (!*result) {
        attempt.fault = {.step = step, .late = false, .reason = std::move(result->error())};
        co_return std::nullopt;
    }
    attempt.fault.reset();
    attempt.took.push_back({.step = step, .time = loop.now() - begin});
    co_return std::move(**result);
}

async::Task<std::expected<async::Fd, std::string>>
connect(async::UvLoop& loop, tls::Address address, std::uint16_t port) {
    std::vector<tls::Address> only{address};
    auto connected = co_await tls::connect(loop, std::move(only), port);
    if (!connected) co_return std::unexpected(std::move(connected.error().reason));
    co_return std::move(connected->socket);
}

async::Task<smtp::Session::Result> greeting(smtp::Session& session) {
    smtp::Session::Result reply = co_await session.reply();
    if (reply && reply->code != ready)
        co_return std::unexpected("the greeting is " + reply->text());
    co_return reply;
}

async::Task<smtp::Session::Result> say_hello(smtp::Session& session, std::string helo) {
    smtp::Session::Result reply = co_await session.command("EHLO " + helo);
    if (!reply || reply->positive()) co_return reply;
    if (reply->code / 100 == 5) {
        reply = co_await session.command("HELO " + helo);
        if (!reply) co_return reply;
        if (reply->positive()) {
            reply->lines.clear(); // no extensions
            co_return reply;
        }
    }
    co_return std::unexpected("the answer to EHLO is " + reply->text());
}

async::Task<std::expected<delivery::Tls, std::string>>
handshake(tls::Stream& stream, std::string server_name, std::vector<dane::Tlsa> records) {
    auto secured = co_await stream.handshake();
    if (!secured) co_return std::unexpected(std::move(secured.error().reason));
    co_return inspect(stream, std::move(server_name), records);
}

async::Task<std::expected<bool, std::string>> quit(tls::Stream& stream) {
    auto said = co_await stream.write("QUIT\r\n");
    stream.bye();
    co_return said.has_value();
}

// The address literal of our side (RFC 5321 section 4.1.3).
std::string own_literal(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* name = reinterpret_cast<sockaddr*>(&storage);
    if (::getsockname(fd, name, &size) != 0) return "localhost";
    const auto address = tls::Address::from_socket(storage);
    if (!address) return "localhost";
    const bool v6 = address->family == tls::Address::Family::v6;
    return fmt::format("[{}{}]", v6 ? "IPv6:" : "", address->to_string());
}

void take_extensions(Attempt& attempt, const Reply& ehlo) {
    for (std::size_t i = 1; i < ehlo.lines.size(); i++)
        attempt.extensions.push_back(printable(ehlo.lines[i]));
    attempt.offers_starttls = wire::smtp::offers(ehlo, "STARTTLS");
}

// True: TLS is to begin.
bool may_start_tls(Attempt& attempt, const Reply& reply, const smtp::Session& session) {
    if (reply.code != ready) {
        attempt.starttls_refusal = reply.text();
        return false;
    }
    attempt.slipped_in = session.pending().size();
    return true;
}

} // namespace

async::Task<> try_address(async::UvLoop& loop, std::shared_ptr<const tls::Trust> trust,
                          Target target, Attempt& attempt) {
    auto socket = co_await timed(loop, attempt, Step::connect,
                                 connect(loop, target.address, target.port), target.step);
    if (!socket) co_return;
    smtp::Session session(loop, socket->get());
    auto reply = co_await timed(loop, attempt, Step::greeting, greeting(session), target.step);
    if (!reply) co_return;
    attempt.greeting = reply->text();
    if (target.helo.empty()) target.helo = own_literal(socket->get());
    reply = co_await timed(loop, attempt, Step::ehlo, say_hello(session, target.helo), target.step);
    if (!reply) co_return;
    take_extensions(attempt, *reply);
    if (!attempt.offers_starttls) {
        session.quit();
        co_return;
    }
    reply = co_await timed(loop, attempt, Step::starttls, session.command("STARTTLS"), target.step);
    if (!reply) co_return;
    if (!may_start_tls(attempt, *reply, session)) {
        session.quit();
        co_return;
    }
    tls::Stream stream(loop, std::move(trust), socket->get(), target.server_name, tls::Use::smtp);
    attempt.tls = co_await timed(loop, attempt, Step::handshake,
                                 handshake(stream, target.server_name, std::move(target.records)),
                                 target.step);
    if (!attempt.tls) co_return;
    co_await async::with_timeout(loop, quit(stream), target.step);
}

} // namespace postseal::probe
