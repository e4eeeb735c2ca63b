// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as a client's stream to the http listener; and as a coded key.
#include "http/request.h"

#include "fuzz/stream.h"

#include <string>

namespace {

using postseal::fuzz::check;
namespace http = postseal::http;

// For check_splits(): a refusal's text is the fault.
struct Scan : http::Scan {
    std::string fault;
};

Scan scan(std::string_view bytes) {
    Scan found{http::scan(bytes), {}};
    found.fault = std::to_string(found.refusal.status) + " " + found.refusal.text;
    return found;
}

std::string show(std::string_view, const Scan& found) {
    const http::Request& request = found.request;
    check(request.method != http::Method::other);
    check(request.path.starts_with('/') && request.path.find_first_of("?#") == std::string::npos);
    check(found.consumed <= http::max_request_head * 2);
    check(!request.host || request.host->find_first_of("<>\"' \t\r\n") == std::string::npos);
    return request.path + " " + request.host.value_or("-") + (request.keep_alive ? " keep" : "");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    postseal::fuzz::check_splits(text, scan, show);
    const auto plain = http::percent_decoded(text);
    check(!plain || plain->size() <= text.size());
    return 0;
}
