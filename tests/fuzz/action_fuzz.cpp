// SPDX-License-Identifier: BSD-3-Clause
//
// The input is an action of the configuration, a newline, and what is found out: whatever it is,
// an action that was accepted is written as one printable line that begins with its own word.
#include "postseal/verdict/action.h"

#include "fuzz/check.h"

#include <string>

namespace {

using namespace postseal;
using namespace postseal::verdict;
using fuzz::check;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::as_text(data, size);
    const auto action = text.substr(0, text.find('\n'));
    if (const auto fault = action_fault(action)) {
        check(!fault->empty() && fuzz::is_printable(*fault));
        return 0;
    }
    const std::string_view found = text.substr(action.size());
    const Evidence evidence{
        .nexthop = {.domain = Domain::parse(found).value_or(Domain::parse("example.com").value())}};
    Verdict verdict{.cls = Class::tempfail, .temp_reason = std::string(found)};
    Actions actions;
    actions.of(verdict.cls) = action;
    const std::string written = action_for(verdict, evidence, actions);
    check(written.size() <= 1000 && fuzz::is_printable(written));
    const auto word = action.substr(0, action.find(' '));
    check(written.starts_with(word) &&
          (written.size() == word.size() || written[word.size()] == ' '));
    return 0;
}
