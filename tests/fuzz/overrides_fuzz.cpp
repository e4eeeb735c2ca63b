// SPDX-License-Identifier: BSD-3-Clause
//
// Any octets as an overrides file.
#include "engine/override_notes.h"
#include "engine/overrides.h"
#include "postseal/verdict/postfix_policy.h"

#include "fuzz/check.h"

#include <algorithm>
#include <string>

namespace {

using namespace postseal;
using engine::Overrides;
using fuzz::check;
using fuzz::is_printable;

void check_entry(const std::string& key, const Overrides::Entry& entry, std::size_t lines) {
    check(entry.line >= 1 && entry.line <= lines);
    check(entry.comment.find('\n') == std::string::npos);
    if (!key.starts_with('.') && key != "*") {
        const auto nexthop = Nexthop::parse_destination(key);
        check(nexthop && nexthop->key() == key);
    }
    // Postfix reads it, so the reply that carries it goes out.
    if (entry.says.kind == verdict::Override::Kind::policy)
        check(verdict::read_postfix_policy(entry.says.policy, verdict::Form::legacy).has_value());
    else
        check(entry.says.policy.empty());
}

// Written again, one a line, they are the same.
void check_again(const Overrides& overrides) {
    std::string text;
    for (const auto& [key, entry] : overrides.entries())
        text += key + "\t" + engine::to_string(entry.says) + "\n";
    const auto again = Overrides::parse(text, "again");
    check(again.has_value() && again->size() == overrides.size());
    for (const auto& [key, entry] : overrides.entries()) {
        const auto found = again->entries().find(key);
        check(found != again->entries().end() && found->second.says == entry.says);
    }
}

// The exact key first, and nothing once its day is over.
void check_found(const Overrides& overrides) {
    for (const auto& [key, entry] : overrides.entries()) {
        const auto nexthop = Nexthop::parse_destination(key);
        if (!nexthop) continue;
        check(!nexthop->is_address || overrides.address_keys().find(key) == *nexthop);
        const WallTime last = entry.until.value_or(WallTime::max());
        const auto found = overrides.find(*nexthop, last - milliseconds(1));
        check(found && found->says == entry.says && found->until == entry.until);
        check(found->holds(last - milliseconds(1)) >= milliseconds(1));
        const auto later = overrides.find(*nexthop, last);
        check(!entry.until || !later || later->until != entry.until || later->says != entry.says ||
              last < *later->until);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::as_text(data, size);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    const Overrides::Reading reading = Overrides::read(text, "f");
    for (const config::Error& fault : reading.faults)
        check(fault.line >= 1 && fault.line <= lines && is_printable(fault.message()));
    for (const config::Error& note : engine::override_notes(reading.overrides))
        check(note.line >= 1 && note.line <= lines && is_printable(note.message()));
    const auto parsed = Overrides::parse(text, "f");
    check(parsed.has_value() == reading.faults.empty());
    if (!parsed) check(is_printable(parsed.error()));
    for (const auto& [key, entry] : reading.overrides.entries())
        check_entry(key, entry, lines);
    check_again(reading.overrides);
    check_found(reading.overrides);
    check(reading.overrides.differences(reading.overrides).empty());
    return 0;
}
