// SPDX-License-Identifier: BSD-3-Clause
//
// The input is read as a client's stream, and written as an action.
#include "postseal/wire/delegation.h"

#include "fuzz/stream.h"

#include <string>

namespace {

namespace delegation = postseal::wire::delegation;
using postseal::fuzz::check;

std::string show(std::string_view bytes, const delegation::Scan& scan) {
    const auto [request, recipient] = scan.request;
    check(scan.consumed <= delegation::max_request);
    const std::string frame = "\n" + std::string(bytes.substr(0, scan.consumed));
    check(frame.ends_with("\n\n") && frame.find("\n\n") == frame.size() - 2);
    check(frame.find("\nrequest=" + std::string(request) + "\n") != std::string::npos);
    if (!recipient.empty())
        check(frame.find("\nrecipient=" + std::string(recipient) + "\n") != std::string::npos);
    if (const auto domain = delegation::domain_of(recipient))
        check(recipient.ends_with("@" + std::string(*domain)));
    return std::string(request) + " " + std::string(recipient);
}

void check_reply(std::string_view text) {
    const std::string reply = delegation::action(text);
    check(reply.starts_with("action=") && reply.ends_with("\n\n"));
    check(reply.size() <= delegation::max_action + 9);
    check(postseal::fuzz::is_printable(std::string_view(reply).substr(0, reply.size() - 2)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = postseal::fuzz::as_text(data, size);
    postseal::fuzz::check_splits(text, delegation::scan, show);
    check_reply(text);
    return 0;
}
