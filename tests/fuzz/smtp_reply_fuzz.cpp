// SPDX-License-Identifier: BSD-3-Clause
//
// Input: the stream.
#include "postseal/wire/smtp_reply.h"

#include "fuzz/check.h"
#include "fuzz/stream.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace {

namespace smtp = postseal::wire::smtp;
using postseal::fuzz::check;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto show = [](std::string_view, const smtp::Scan& scan) {
        check(scan.reply.code >= 200 && scan.reply.code < 600);
        check(!scan.reply.lines.empty() && scan.reply.lines.size() <= smtp::max_lines);
        check(postseal::fuzz::is_printable(scan.reply.text()));
        static_cast<void>(smtp::offers(scan.reply, "STARTTLS"));
        return fmt::format("{}:{}", scan.reply.code, fmt::join(scan.reply.lines, "/"));
    };
    postseal::fuzz::check_splits(postseal::fuzz::as_text(data, size), smtp::scan, show);
    return 0;
}
