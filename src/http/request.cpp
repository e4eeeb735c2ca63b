// SPDX-License-Identifier: BSD-3-Clause
#include "http/request.h"

#include "postseal/base/text.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace postseal::http {
namespace {

using wire::Status;

Scan refuse(unsigned status, const char* text) {
    return {.status = Status::malformed, .refusal = {.status = status, .text = text}};
}

// An empty line or more may stand before a request (RFC 9112 section 2.2).
std::size_t empty_lines_before(std::string_view bytes) {
    std::size_t n = 0;
    while (bytes.substr(n).starts_with("\r\n"))
        n += 2;
    return n;
}

// Where the head's last line ends. Whether a line may end without CR is the library's word.
std::size_t end_of_head(std::string_view bytes) {
    for (std::size_t at = bytes.find('\n'); at != std::string_view::npos;
         at = bytes.find('\n', at + 1)) {
        const std::string_view next = bytes.substr(at + 1, 2);
        if (next.starts_with('\n')) return at + 2;
        if (next == "\r\n") return at + 3;
    }
    return std::string_view::npos;
}

// RFC 9110 section 7.2: a name or an address, and perhaps a port.
std::optional<std::string> host_of(std::string_view authority) {
    const auto is_host = [](char c) {
        return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
    };
    std::size_t end = 0;
    if (authority.starts_with('[')) {
        end = authority.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        end++;
        const std::string_view inside = authority.substr(1, end - 2);
        if (!std::ranges::all_of(inside, [&](char c) { return is_host(c) || c == ':'; }))
            return std::nullopt;
    } else {
        end = std::min(authority.find(':'), authority.size());
        if (!std::ranges::all_of(authority.substr(0, end), is_host)) return std::nullopt;
    }
    const std::string_view port = authority.substr(end);
    if (!port.empty() && (!port.starts_with(':') || !std::ranges::all_of(port.substr(1), is_digit)))
        return std::nullopt;
    return lower_ascii(authority.substr(0, end));
}

// Gathers one head. Whatever it says, the library is stopped after it.
struct Gatherer final : Listener {
    Next on_target(std::string_view part) override {
        target += part;
        return Next::go_on;
    }
    Next on_field(std::string_view name, std::string_view value) override {
        if (equals_ignoring_case(name, "host")) {
            hosts++;
            host = value;
        } else if (equals_ignoring_case(name, "transfer-encoding") ||
                   (equals_ignoring_case(name, "content-length") && value != "0")) {
            has_body = true;
        }
        return Next::go_on;
    }
    Next on_head(const Head& said) override {
        head = said;
        return Next::stop;
    }

    std::string target;
    std::string host;
    int hosts = 0;
    bool has_body = false;
    std::optional<Head> head;
};

Scan judge(Gatherer found, const Head& head, std::size_t consumed) {
    if (head.major != 1 || head.minor > 1) return refuse(505, "only HTTP/1.1 is supported");
    if (head.method == Method::other) return refuse(405, "only GET and HEAD are allowed");
    if (found.has_body) return refuse(400, "a request with a body is not accepted");
    if (found.hosts > 1 || (found.hosts == 0 && head.minor == 1))
        return refuse(400, "a request needs one Host field");
    // RFC 9112 section 3.2.2: a whole URL takes the place of Host.
    constexpr std::string_view scheme = "http://";
    if (equals_ignoring_case(found.target.substr(0, scheme.size()), scheme)) {
        const std::string rest = found.target.substr(scheme.size());
        const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
        found.host = rest.substr(0, path);
        found.hosts = 1;
        found.target = rest.substr(path);
        if (!found.target.starts_with('/')) found.target.insert(0, "/");
    }
    if (!found.target.starts_with('/')) return refuse(400, "the request's target is not a path");
    Scan scan{.status = Status::frame, .consumed = consumed};
    if (found.hosts == 1) {
        scan.request.host = host_of(found.host);
        if (!scan.request.host) return refuse(400, "the Host field names no host");
    }
    scan.request.method = head.method;
    scan.request.path = found.target.substr(0, found.target.find_first_of("?#"));
    scan.request.keep_alive = head.keep_alive && head.minor == 1;
    return scan;
}

} // namespace

Scan scan(std::string_view bytes) {
    const std::size_t before = empty_lines_before(bytes);
    if (before >= max_request_head) return refuse(400, "there is no request");
    const std::string_view rest = bytes.substr(before);
    if (std::min(rest.find('\n'), rest.size()) > max_request_line)
        return refuse(414, "the request line is longer than 4 KiB");
    const std::size_t length = end_of_head(rest.substr(0, max_request_head));
    if (length == std::string_view::npos) {
        if (rest.size() >= max_request_head)
            return refuse(431, "the request's head is longer than 16 KiB");
        return {};
    }
    Gatherer found;
    Parser parser(Parser::Kind::request, found);
    parser.feed(rest.substr(0, length));
    if (!found.head) return refuse(400, "this is not an HTTP request");
    const Head head = *found.head;
    return judge(std::move(found), head, before + length);
}

std::optional<std::string> percent_decoded(std::string_view coded) {
    std::string plain;
    while (!coded.empty()) {
        if (coded.front() != '%') {
            plain += coded.front();
            coded.remove_prefix(1);
            continue;
        }
        unsigned octet = 0;
        const std::string_view digits = coded.substr(1, 2);
        const auto [end, fault] =
            std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
        if (digits.size() < 2 || fault != std::errc{} || end != digits.data() + 2)
            return std::nullopt;
        plain += static_cast<char>(octet);
        coded.remove_prefix(3);
    }
    return plain;
}

} // namespace postseal::http
