// SPDX-License-Identifier: BSD-3-Clause
#include "https/response.h"

#include "http/parser.h"
#include "https/date.h"
#include "https/media_type.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::https {
namespace {

// Of the head, what is looked at. A field that comes twice is joined by a comma (RFC 9110
// section 5.3), which none of these may be.
struct Fields {
    std::optional<std::string> content_type;
    std::optional<std::string> content_encoding;
    std::optional<std::string> transfer_encoding;
    std::optional<std::string> location;
    std::size_t content_types = 0;
    std::optional<std::string> date;

    void add(std::string_view name, std::string_view value) {
        const std::pair<std::string_view, std::optional<std::string>&> known[] = {
            {"content-type", content_type},
            {"content-encoding", content_encoding},
            {"transfer-encoding", transfer_encoding},
            {"location", location},
            {"date", date},
        };
        for (auto& [known_name, slot] : known) {
            if (!equals_ignoring_case(name, known_name)) continue;
            if (&slot == &content_type) content_types++;
            slot = slot ? *slot + ", " + std::string(value) : std::string(value);
        }
    }
};

std::optional<FetchError> judge_status(unsigned status, const Fields& fields) {
    if (status == 200) return std::nullopt;
    std::string text = fmt::format("status {}, not 200", status);
    if (status / 100 == 3 && fields.location)
        text =
            fmt::format("status {}, a redirect to {}, which RFC 8461 section 3.3 forbids to follow",
                        status, printable(*fields.location, 80));
    return FetchError{FetchFault::status, std::move(text)};
}

std::optional<FetchError> judge_fields(const Fields& fields) {
    if (fields.transfer_encoding && !equals_ignoring_case(*fields.transfer_encoding, "chunked"))
        return FetchError{FetchFault::http, fmt::format("transfer coding {}, not chunked",
                                                        printable(*fields.transfer_encoding, 40))};
    if (!fields.content_type)
        return FetchError{FetchFault::media_type, "no media type; it must be text/plain"};
    if (!is_text_plain(*fields.content_type))
        return FetchError{FetchFault::media_type, fmt::format("media type {}, not text/plain",
                                                              printable(*fields.content_type, 80))};
    if (fields.content_encoding && !equals_ignoring_case(*fields.content_encoding, "identity"))
        return FetchError{FetchFault::media_type,
                          fmt::format("content coding {}, which was not asked for",
                                      printable(*fields.content_encoding, 40))};
    return std::nullopt;
}

} // namespace

struct ResponseParser::Impl final : http::Listener {
    http::Parser parser{http::Parser::Kind::response, *this};
    std::size_t fed = 0;
    bool head_done = false;
    bool complete = false;
    bool interim = false;
    Fields fields;
    std::string body;
    bool failed = false;
    FetchError error{.fault = FetchFault::http, .reason = {}}; // if failed

    // The first error counts.
    Next fail(FetchError first) {
        if (!failed) error = std::move(first);
        failed = true;
        return Next::stop;
    }
    Next fail(FetchFault fault, std::string reason) { return fail({fault, std::move(reason)}); }

    Next on_field(std::string_view name, std::string_view value) override {
        fields.add(name, value);
        return Next::go_on;
    }

    Next on_head(const http::Head& head) override {
        if (head.major != 1)
            return fail(FetchFault::http,
                        fmt::format("HTTP version {}.{}, not 1.x", head.major, head.minor));
        if (head.status < 100) // http-parser takes fewer digits than three
            return fail(FetchFault::http, fmt::format("malformed HTTP: status {}", head.status));
        interim = head.status / 100 == 1 && head.status != 101;
        if (interim) {
            fields = {};
            return Next::no_body;
        }
        head_done = true;
        if (auto fault = judge_status(head.status, fields)) return fail(std::move(*fault));
        if (auto fault = judge_fields(fields)) return fail(std::move(*fault));
        if (const auto octets = head.content_length.value_or(0); octets > max_body_size)
            return fail(FetchFault::too_large,
                        fmt::format("a body of {} octets, more than {}", octets, max_body_size));
        return Next::go_on;
    }

    Next on_body(std::string_view part) override {
        if (body.size() + part.size() > max_body_size)
            return fail(FetchFault::too_large,
                        fmt::format("a body of more than {} octets", max_body_size));
        body += part;
        return Next::go_on;
    }

    Next on_end() override {
        if (interim) {
            interim = false;
            return Next::go_on;
        }
        complete = true;
        return Next::stop;
    }

    void run(std::string_view octets) {
        if (!parser.feed(octets) && !complete)
            fail(FetchFault::http, fmt::format("malformed HTTP: {}", parser.error()));
    }
};

ResponseParser::ResponseParser() : impl_(std::make_unique<Impl>()) {}
ResponseParser::~ResponseParser() = default;

ResponseParser::State ResponseParser::feed(std::string_view octets) {
    Impl& p = *impl_;
    // Exactly the first max_head_size octets can hold the head, however they are cut.
    while (!p.complete && !p.failed && !octets.empty()) {
        const std::size_t limit = p.head_done ? max_wire_size : max_head_size;
        if (p.fed >= limit) {
            if (p.head_done)
                p.fail(FetchFault::too_large, "more framing than body");
            else
                p.fail(FetchFault::too_large,
                       fmt::format("a head of more than {} octets", max_head_size));
            break;
        }
        const std::string_view part = octets.substr(0, limit - p.fed);
        octets.remove_prefix(part.size());
        p.fed += part.size();
        p.run(part);
    }
    if (p.failed) return State::failed;
    return p.complete ? State::complete : State::more;
}

ResponseParser::State ResponseParser::end() {
    Impl& p = *impl_;
    if (p.failed) return State::failed;
    if (!p.complete) {
        const std::string place = where();
        p.parser.end();
        if (!p.complete)
            p.fail(FetchFault::http, fmt::format("the connection was closed {}", place));
    }
    return p.complete ? State::complete : State::failed;
}

const FetchError& ResponseParser::error() const { return impl_->error; }
std::string ResponseParser::take_body() { return std::move(impl_->body); }

std::string ResponseParser::note() const {
    const Fields& fields = impl_->fields;
    if (!fields.content_type || (fields.content_types < 2 && !fields.content_type->contains(',')))
        return {};
    return fmt::format(
        "Content-Type is sent twice ({}); the first counts, other senders may refuse "
        "the policy: send it once",
        printable(*fields.content_type, 80));
}

std::optional<WallTime> ResponseParser::date() const {
    const std::optional<std::string>& date = impl_->fields.date;
    return date ? parse_date(*date) : std::nullopt;
}

std::string ResponseParser::where() const {
    if (impl_->fed == 0) return "before the answer";
    if (!impl_->head_done) return "in the head";
    return fmt::format("in the body, after {} octets", impl_->body.size());
}

} // namespace postseal::https
