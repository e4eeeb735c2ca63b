// SPDX-License-Identifier: BSD-3-Clause
#include "cli/texthash.h"

#include "postseal/base/text.h"
#include "postseal/mtasts/policy.h"
#include "postseal/verdict/reply.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace postseal::cli {
namespace {

constexpr std::string_view of_override = "override ";

// What another node of a fleet wrote must not become a line of its own.
std::string one_line(const std::string& text) { return printable(text, text.size()); }

// As the daemon's map "postfix" writes it.
std::optional<std::string> secure(const Json& kept) {
    const Json& held = kept["policy"];
    if (!held.is_object() || !held.value("in_force", false)) return std::nullopt;
    auto policy = mtasts::parse_policy(text_of(held, "body"));
    auto nexthop = Nexthop::parse(text_of(kept, "key"));
    if (!policy || !nexthop) return std::nullopt;
    verdict::Evidence evidence{.nexthop = std::move(*nexthop)};
    evidence.sts.policy = std::move(*policy);
    const verdict::Verdict verdict{.cls = verdict::Class::enforce, .level = verdict::Level::secure};
    const verdict::Reply reply = verdict::render(verdict, evidence, {});
    if (reply.kind != verdict::Reply::Kind::ok) return std::nullopt;
    return reply.text;
}

std::optional<std::string> policy_for(const Json& kept, std::string_view verdict) {
    if (verdict == "dane" || verdict == "dane-only") return std::string(verdict);
    if (verdict == "enforce") return secure(kept);
    if (verdict.starts_with(of_override)) return std::string(verdict.substr(of_override.size()));
    return std::nullopt;
}

std::string why(const Json& kept, const std::string& verdict) {
    std::string text =
        fmt::format("{} (row {}) since {}, recorded {}", verdict, kept.value("row", 0),
                    text_of(kept, "verdict_since"), text_of(kept, "seen_at"));
    if (const Json& policy = kept["policy"]; policy.is_object())
        text += fmt::format("; policy {} (id {}) until {}", text_of(policy, "mode"),
                            text_of(policy, "id"), text_of(policy, "expires_at"));
    return one_line(text);
}

} // namespace

std::string texthash_head(WallTime now) {
    return fmt::format("# What postseald knew on {}; nothing updates it. For main.cf:\n# "
                       "smtp_tls_policy_maps = texthash:/path/of/this/file\n",
                       rfc3339(now));
}

std::string texthash_entry(const Json& kept) {
    const std::string verdict = one_line(text_of(kept, "verdict"));
    if (verdict.empty() || verdict == "may") return "";
    const std::string key = one_line(text_of(kept, "key"));
    const auto policy = policy_for(kept, verdict);
    if (!policy) return fmt::format("# {}: left out: {}\n", key, why(kept, verdict));
    return fmt::format("# {}\n{} {}\n", why(kept, verdict), key, *policy);
}

} // namespace postseal::cli
