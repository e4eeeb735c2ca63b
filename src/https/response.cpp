// SPDX-License-Identifier: BSD-3-Clause
#include "https/response.h"

#include "https/media_type.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#ifdef POSTSEAL_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::https {
namespace {

// The two libraries differ in little more than names.
#ifdef POSTSEAL_LLHTTP
using Parser = llhttp_t;
using Settings = llhttp_settings_t;
#else
using Parser = http_parser;
using Settings = http_parser_settings;
#endif

// What a callback answers.
constexpr int go_on = 0;
constexpr int no_body = 1; // on_headers_complete only
constexpr int stop = -1;

// Of the head, what is looked at. A field that comes twice is joined by a comma (RFC 9110
// section 5.3), which none of these may be.
struct Fields {
    std::optional<std::string> content_type;
    std::optional<std::string> content_encoding;
    std::optional<std::string> transfer_encoding;
    std::optional<std::string> location;

    void add(std::string_view name, std::string_view value) {
        const std::pair<std::string_view, std::optional<std::string>&> known[] = {
            {"content-type", content_type},
            {"content-encoding", content_encoding},
            {"transfer-encoding", transfer_encoding},
            {"location", location},
        };
        for (auto& [known_name, slot] : known) {
            if (!equals_ignoring_case(name, known_name)) continue;
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

struct ResponseParser::Impl {
    Parser parser{};
    std::size_t fed = 0;
    bool head_done = false;
    bool complete = false;
    bool interim = false;
    bool in_value = false;
    std::string name;
    std::string value;
    Fields fields;
    std::string body;
    bool failed = false;
    FetchError error{.fault = FetchFault::http, .reason = {}}; // if failed

    // The first error counts.
    int fail(FetchError first) {
        if (!failed) error = std::move(first);
        failed = true;
        return stop;
    }
    int fail(FetchFault fault, std::string reason) { return fail({fault, std::move(reason)}); }

    void end_field() {
        if (!name.empty()) fields.add(name, trim(value));
        name.clear();
        value.clear();
        in_value = false;
    }

    int on_name(std::string_view part) {
        if (head_done) return go_on; // a trailer
        if (in_value) end_field();
        name += part;
        return go_on;
    }

    int on_value(std::string_view part) {
        if (head_done) return go_on;
        in_value = true;
        value += part;
        return go_on;
    }

    int on_head() {
        end_field();
        const unsigned status = parser.status_code;
        if (parser.http_major != 1)
            return fail(FetchFault::http, fmt::format("HTTP version {}.{}, not 1.x",
                                                      static_cast<unsigned>(parser.http_major),
                                                      static_cast<unsigned>(parser.http_minor)));
        if (status < 100) // http-parser takes fewer digits than three
            return fail(FetchFault::http, fmt::format("malformed HTTP: status {}", status));
        interim = status / 100 == 1 && status != 101;
        if (interim) {
            fields = {};
            return no_body;
        }
        head_done = true;
        if (auto fault = judge_status(status, fields)) return fail(std::move(*fault));
        if (auto fault = judge_fields(fields)) return fail(std::move(*fault));
        // No length: http-parser says all ones, llhttp 0.
        const auto length = static_cast<std::uint64_t>(parser.content_length);
        if (length != ~std::uint64_t{0} && length > max_body_size)
            return fail(FetchFault::too_large,
                        fmt::format("a body of {} octets, more than {}", length, max_body_size));
        return go_on;
    }

    int on_body(std::string_view part) {
        if (body.size() + part.size() > max_body_size)
            return fail(FetchFault::too_large,
                        fmt::format("a body of more than {} octets", max_body_size));
        body += part;
        return go_on;
    }

    int on_end() {
        if (interim) {
            interim = false;
            return go_on;
        }
        complete = true;
        return stop;
    }

    // Hands the octets to the library; false: it has stopped, see complete and error.
    bool run(std::string_view octets);
    bool run_end();
    static const Settings& settings();
};

namespace {

template <class Impl, int (Impl::*member)(std::string_view)>
int on_text(Parser* parser, const char* at, std::size_t length) {
    return (static_cast<Impl*>(parser->data)->*member)({at, length});
}

template <class Impl, int (Impl::*member)()> int on_point(Parser* parser) {
    return (static_cast<Impl*>(parser->data)->*member)();
}

} // namespace

const Settings& ResponseParser::Impl::settings() {
    static const Settings table = [] {
        Settings s{};
        s.on_header_field = &on_text<Impl, &Impl::on_name>;
        s.on_header_value = &on_text<Impl, &Impl::on_value>;
        s.on_headers_complete = &on_point<Impl, &Impl::on_head>;
        s.on_body = &on_text<Impl, &Impl::on_body>;
        s.on_message_complete = &on_point<Impl, &Impl::on_end>;
        return s;
    }();
    return table;
}

#ifdef POSTSEAL_LLHTTP
bool ResponseParser::Impl::run(std::string_view octets) {
    const llhttp_errno_t result = llhttp_execute(&parser, octets.data(), octets.size());
    if (result == HPE_OK) return true;
    if (!complete)
        fail(FetchFault::http, fmt::format("malformed HTTP: {}", llhttp_get_error_reason(&parser)));
    return false;
}
bool ResponseParser::Impl::run_end() { return llhttp_finish(&parser) == HPE_OK; }
#else
bool ResponseParser::Impl::run(std::string_view octets) {
    http_parser_execute(&parser, &settings(), octets.data(), octets.size());
    const http_errno result = HTTP_PARSER_ERRNO(&parser);
    if (result == HPE_OK) return true;
    if (!complete)
        fail(FetchFault::http, fmt::format("malformed HTTP: {}", http_errno_description(result)));
    return false;
}
bool ResponseParser::Impl::run_end() {
    http_parser_execute(&parser, &settings(), nullptr, 0);
    return HTTP_PARSER_ERRNO(&parser) == HPE_OK;
}
#endif

ResponseParser::ResponseParser() : impl_(std::make_unique<Impl>()) {
#ifdef POSTSEAL_LLHTTP
    llhttp_init(&impl_->parser, HTTP_RESPONSE, &Impl::settings());
#else
    http_parser_init(&impl_->parser, HTTP_RESPONSE);
#endif
    impl_->parser.data = impl_.get();
}

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
        p.run_end();
        if (!p.complete)
            p.fail(FetchFault::http, fmt::format("the connection was closed {}", place));
    }
    return p.complete ? State::complete : State::failed;
}

const FetchError& ResponseParser::error() const { return impl_->error; }
std::string ResponseParser::take_body() { return std::move(impl_->body); }

std::string ResponseParser::where() const {
    if (impl_->fed == 0) return "before the answer";
    if (!impl_->head_done) return "in the head";
    return fmt::format("in the body, after {} octets", impl_->body.size());
}

} // namespace postseal::https
