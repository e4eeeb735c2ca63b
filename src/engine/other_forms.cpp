// SPDX-License-Identifier: BSD-3-Clause
#include "engine/other_forms.h"

#include "postseal/verdict/postfix_policy.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace postseal::engine {
namespace {

// No key has it, so an override of a nexthop with it is one for all that no key names.
constexpr std::uint16_t unnamed_port = 0;

void add(const verdict::Override& override_, verdict::OtherForms& forms) {
    switch (override_.kind) {
    case verdict::Override::Kind::policy: {
        const auto read = verdict::read_override(override_.policy);
        if (!read || !verdict::authenticates(*read)) forms.unauthenticated = true;
        return;
    }
    case verdict::Override::Kind::ignore:
        forms.unauthenticated = true;
        return;
    case verdict::Override::Kind::sts_only:
        forms.sts_only = true;
        return;
    case verdict::Override::Kind::sealed:
        return;
    }
}

} // namespace

OtherForms other_forms(const Overrides& overrides, const Nexthop& nexthop, WallTime now,
                       bool confirmed) {
    OtherForms forms;
    if (overrides.size() == 0) return forms;
    const auto look = [&](const Nexthop& form) {
        if (form == nexthop) return false;
        const auto found = overrides.find(form, now, confirmed);
        if (!found) return false;
        add(found->says, forms.overrides);
        if (found->until)
            forms.until = std::min(forms.until.value_or(*found->until), *found->until);
        return true;
    };
    const bool is_address = nexthop.is_address; // with brackets or without is the same
    if (!is_address) look({nexthop.domain, false, 25});
    const auto look_at_keys = [&](const std::string& beginning) {
        const auto& entries = overrides.entries();
        for (auto at = entries.lower_bound(beginning);
             at != entries.end() && at->first.starts_with(beginning); ++at)
            if (const auto form = Nexthop::parse_destination(at->first)) look(*form);
    };
    look_at_keys(nexthop.domain.name() + ":");
    look_at_keys("[" + nexthop.domain.name() + "]");
    forms.overrides.all_overridden = look({nexthop.domain, true, unnamed_port, is_address});
    return forms;
}

} // namespace postseal::engine
