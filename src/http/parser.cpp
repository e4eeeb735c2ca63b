// SPDX-License-Identifier: BSD-3-Clause
#include "http/parser.h"

#include "postseal/base/text.h"

#ifdef POSTSEAL_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

#include <utility>

namespace postseal::http {
namespace {

// The two libraries differ in little more than names.
#ifdef POSTSEAL_LLHTTP
using Machine = llhttp_t;
using Settings = llhttp_settings_t;
bool should_keep_alive(const Machine& machine) { return llhttp_should_keep_alive(&machine) != 0; }
#else
using Machine = http_parser;
using Settings = http_parser_settings;
bool should_keep_alive(const Machine& machine) { return http_should_keep_alive(&machine) != 0; }
#endif

Method method_of(const Machine& machine) {
    if (machine.method == HTTP_GET) return Method::get;
    return machine.method == HTTP_HEAD ? Method::head : Method::other;
}

} // namespace

struct Parser::Impl {
    using Next = Listener::Next;

    Impl(Kind k, Listener& l) : kind(k), listener(l) {}

    Kind kind;
    Listener& listener;
    Machine machine{};
    bool head_done = false;
    bool stopped = false;
    bool in_value = false;
    std::string name;
    std::string value;
    std::string error;

    // What a callback answers.
    int said(Next next) {
        if (next == Next::stop) stopped = true;
        return next == Next::stop ? -1 : next == Next::no_body ? 1 : 0;
    }

    Next end_field() {
        const Next next =
            name.empty() ? Next::go_on : listener.on_field(name, postseal::trim(value));
        name.clear();
        value.clear();
        in_value = false;
        return next;
    }

    int on_target(std::string_view part) { return said(listener.on_target(part)); }

    int on_name(std::string_view part) {
        if (head_done) return 0; // a trailer
        if (in_value && end_field() == Next::stop) return said(Next::stop);
        name += part;
        return 0;
    }

    int on_value(std::string_view part) {
        if (head_done) return 0;
        in_value = true;
        value += part;
        return 0;
    }

    int on_head() {
        if (end_field() == Next::stop) return said(Next::stop);
        Head head{.major = machine.http_major,
                  .minor = machine.http_minor,
                  .keep_alive = should_keep_alive(machine)};
        if (kind == Kind::request)
            head.method = method_of(machine);
        else
            head.status = machine.status_code;
        // No length: http-parser says all ones.
        const auto length = static_cast<std::uint64_t>(machine.content_length);
        if (length != ~std::uint64_t{0}) head.content_length = length;
        const Next next = listener.on_head(head);
        // Interim responses come before the one whose fields count.
        head_done = next != Next::no_body;
        return said(next);
    }

    int on_body(std::string_view part) { return said(listener.on_body(part)); }
    int on_end() { return said(listener.on_end()); }

    void run(std::string_view octets);
    void run_end();
    static const Settings& settings();
};

namespace {

template <class Impl, int (Impl::*member)(std::string_view)>
int on_text(Machine* machine, const char* at, std::size_t length) {
    return (static_cast<Impl*>(machine->data)->*member)({at, length});
}

template <class Impl, int (Impl::*member)()> int on_point(Machine* machine) {
    return (static_cast<Impl*>(machine->data)->*member)();
}

} // namespace

const Settings& Parser::Impl::settings() {
    static const Settings table = [] {
        Settings s{};
        s.on_url = &on_text<Impl, &Impl::on_target>;
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
void Parser::Impl::run(std::string_view octets) {
    const llhttp_errno_t result = llhttp_execute(&machine, octets.data(), octets.size());
    if (result != HPE_OK && !stopped) error = llhttp_get_error_reason(&machine);
}
void Parser::Impl::run_end() { llhttp_finish(&machine); }
#else
void Parser::Impl::run(std::string_view octets) {
    http_parser_execute(&machine, &settings(), octets.data(), octets.size());
    const http_errno result = HTTP_PARSER_ERRNO(&machine);
    if (result != HPE_OK && !stopped) error = http_errno_description(result);
}
void Parser::Impl::run_end() { http_parser_execute(&machine, &settings(), nullptr, 0); }
#endif

Parser::Parser(Kind kind, Listener& listener) : impl_(std::make_unique<Impl>(kind, listener)) {
    Machine& machine = impl_->machine;
#ifdef POSTSEAL_LLHTTP
    llhttp_init(&machine, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE, &Impl::settings());
    llhttp_set_lenient_version(&machine, 1); // a request of another version is refused as such
#else
    http_parser_init(&machine, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE);
#endif
    machine.data = impl_.get();
}

Parser::~Parser() = default;

bool Parser::feed(std::string_view octets) {
    impl_->run(octets);
    return !impl_->stopped && impl_->error.empty();
}

bool Parser::end() {
    impl_->run_end();
    return impl_->stopped;
}

const std::string& Parser::error() const { return impl_->error; }

} // namespace postseal::http
