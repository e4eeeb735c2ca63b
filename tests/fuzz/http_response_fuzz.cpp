// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as the answer of a policy host, cut in several ways.
#include "https/response.h"

#include "fuzz/check.h"

#include <algorithm>
#include <optional>
#include <string>

namespace {

using postseal::fuzz::check;
using namespace postseal::https;
using State = ResponseParser::State;

struct Result {
    State state = State::more;
    std::string where;
    std::string body;
    std::optional<FetchError> error;
    friend bool operator==(const Result&, const Result&) = default;
};

// The stream is taken `step` octets at a time, then closed.
Result read(std::string_view stream, std::size_t step) {
    ResponseParser parser;
    Result result;
    while (!stream.empty() && result.state == State::more) {
        result.state = parser.feed(stream.substr(0, step));
        stream.remove_prefix(std::min(step, stream.size()));
    }
    if (result.state == State::more) {
        result.where = parser.where();
        result.state = parser.end();
    }
    if (result.state == State::failed) result.error = parser.error();
    if (result.state == State::complete) result.body = parser.take_body();
    return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto stream = postseal::fuzz::as_text(data, size);
    const Result whole = read(stream, size + 1);
    check(whole.state != State::more);
    check(whole.body.size() <= max_body_size && whole.body.size() <= size);
    if (whole.error) {
        check(!whole.error->reason.empty() && whole.error->reason.size() <= 200);
        check(postseal::fuzz::is_printable(whole.error->reason));
    }
    for (const std::size_t step : {1, 2, 3, 7})
        check(read(stream, step) == whole);
    return 0;
}
