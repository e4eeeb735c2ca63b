// SPDX-License-Identifier: BSD-3-Clause
#include "cli/stats_text.h"

#include "postseal/base/time.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace postseal::cli {
namespace {

struct Counter {
    const char* path; // RFC 6901, of a status (observe/status_json.h)
    std::string_view label;
    bool grows; // since the daemon's start: has a rate
};

constexpr const char* queries = "/queries/total";
constexpr const char* from_memory = "/queries/memory";
constexpr const char* looked_up = "/queries/lookup";
constexpr const char* classes = "/queries/classes";
constexpr const char* active_lookups = "/lookups/active";
constexpr const char* last_protocol = "/queries/protocols/delegation";

constexpr Counter counters[] = {
    {queries, "queries", true},
    {"/queries/protocols/socketmap", "  by socketmap", true},
    {"/queries/protocols/tcp_table", "  by tcp_table", true},
    {last_protocol, "  by delegation", true},
    {from_memory, "answered from memory", true},
    {looked_up, "looked up", true},
    {"/queries/no_nexthop", "no destination", true},
    {"/queries/unknown_map", "no such map", true},
    {"/connections", "connections", false},
    {"/memory/answers", "answers in memory", false},
    {"/memory/bytes", "  in bytes", false},
    {active_lookups, "active lookups", false},
    {"/downgrades", "downgrades", true},
};

// What is there; null: nothing is.
const Json* find(const Json& status, const std::string& path) {
    const Json::json_pointer at(path);
    return status.is_object() && status.contains(at) ? &status.at(at) : nullptr;
}

std::uint64_t number_of(const Json& status, const std::string& path) {
    const Json* found = find(status, path);
    return found != nullptr && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3)
        digits.insert(at - 3, ",");
    return digits;
}

// Per second. Nothing: there was no status before, or the daemon has begun anew since.
std::optional<double> rate(const Interval& interval, const std::string& path) {
    if (!interval.before.is_object() || interval.length.count() <= 0) return std::nullopt;
    const std::uint64_t before = number_of(interval.before, path);
    const std::uint64_t now = number_of(interval.now, path);
    if (now < before) return std::nullopt;
    return static_cast<double>(now - before) / interval.length.count();
}

std::string rate_text(const Interval& interval, const std::string& path) {
    const auto value = rate(interval, path);
    return value ? fmt::format("{:.1f}/s", *value) : "-";
}

std::string share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "-"
                      : fmt::format("{:.1f} %",
                                    100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string last_column(const Json& status, std::string_view path) {
    if (path == from_memory)
        return share(number_of(status, from_memory), number_of(status, queries));
    if (path == "/downgrades") return text_of(status, "last_downgrade");
    return "";
}

std::string line_of(const Json& status, const Interval& interval, const Counter& counter) {
    std::string line =
        fmt::format("{:<22}{:>16}", counter.label, grouped(number_of(status, counter.path)));
    if (interval.before.is_object())
        line += fmt::format("{:>14}",
                            counter.grows ? rate_text(interval, counter.path) : std::string());
    if (const std::string last = last_column(status, counter.path); !last.empty())
        line += "   " + last;
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

bool validation_fails(const Json& status) {
    const auto validation = status.find("validation");
    return validation != status.end() && validation->is_object() &&
           text_of(*validation, "state") == "failing";
}

std::string validation_text(const Json& validation) {
    const std::string state = text_of(validation, "state");
    if (state == "failing")
        return fmt::format("FAILING ({}): {}; fix: {}", text_of(validation, "fault"),
                           text_of(validation, "reason"), text_of(validation, "fix"));
    const std::string servers = text_of(validation, "servers");
    if (state == "unknown") return "not checked yet";
    return servers == "authoritative" ? "good" : fmt::format("good, by {}", servers);
}

// ", up 3d since 2026-11-20T11:00:00Z": all that is counted is since then.
std::string uptime_text(const Json& status) {
    const std::string started = text_of(status, "started_at");
    if (started.empty()) return "";
    return fmt::format(
        ", up {} since {}",
        span_text(std::chrono::seconds(static_cast<std::int64_t>(number_of(status, "/uptime_s")))),
        started);
}

// Queries by the class of the verdict that answered them; those for no destination have a line of
// their own.
std::string class_lines(const Json& status, const Interval& interval) {
    const Json* counted = find(status, classes);
    if (counted == nullptr || !counted->is_object()) return "";
    std::string out;
    for (const auto& [cls, count] : counted->items()) {
        const std::string path = fmt::format("{}/{}", classes, cls);
        const std::uint64_t number = number_of(status, path);
        if (number == 0 || cls == "none") continue;
        out += fmt::format("{:<22}{:>16}", "  " + cls, grouped(number));
        if (interval.before.is_object()) out += fmt::format("{:>14}", rate_text(interval, path));
        out += fmt::format("   {}\n", share(number, number_of(status, queries)));
    }
    return out;
}

std::string clock_text(std::string_view by) {
    if (by == "kernel") return "confirmed by the kernel";
    if (by == "hosts") return "confirmed by policy hosts";
    if (by == "running") return "confirmed by a day of running";
    return "NOT CONFIRMED: no policy expires by it, and nothing is pruned";
}

std::string parts_with(const Json& status, const char* what) {
    std::string out;
    if (const auto health = status.find("health"); health != status.end() && health->is_array())
        for (const Json& part : *health)
            if (const std::string text = text_of(part, what); !text.empty())
                out += fmt::format("{}: {}\n", text_of(part, "part"), text);
    return out;
}

bool is_degraded(const Json& status) {
    const Json* degraded = find(status, "/store/degraded");
    return degraded != nullptr && *degraded == true;
}

std::string store_text(const Json& status) {
    const Json* store = find(status, "/store");
    if (store == nullptr) return "good";
    if (const std::string unread = text_of(*store, "unread"); !unread.empty())
        return "CANNOT BE READ: " + unread;
    return is_degraded(status) ? "DEGRADED: " + text_of(*store, "reason") : "good";
}

} // namespace

std::string health_text(const Json& status) { return parts_with(status, "trouble"); }
std::string health_notes(const Json& status) { return parts_with(status, "note"); }

std::string stats_text(const Interval& interval) {
    const Json& status = interval.now;
    std::string out =
        fmt::format("postseald {}{}\n", text_of(status, "version"), uptime_text(status));
    for (const Counter& counter : counters) {
        out += line_of(status, interval, counter);
        if (std::string_view(counter.path) == last_protocol) out += class_lines(status, interval);
    }
    const std::string health = health_text(status);
    out += fmt::format("{:<22}{}\n", "health", health.empty() ? "good" : "DEGRADED");
    for (std::string_view rest = health; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        out += fmt::format("  {}\n", line);
        rest.remove_prefix(line.size() + 1);
    }
    const std::string reload_error = text_of(status, "reload_error");
    if (const auto validation = status.find("validation");
        validation != status.end() && validation->is_object())
        out += fmt::format("{:<22}{}\n", "DNSSEC validation", validation_text(*validation));
    out += fmt::format("{:<22}{}\n", "store", store_text(status));
    if (const auto shared = status.find("shared_store");
        shared != status.end() && shared->is_object())
        out += fmt::format("{:<22}{}, as {}; {} rows wait for it\n", "shared store",
                           shared->value("up", false) ? "good" : "AWAY", text_of(*shared, "node"),
                           number_of(*shared, "/unshared"));
    if (status.contains("clock_confirmed_by"))
        out +=
            fmt::format("{:<22}{}\n", "clock", clock_text(text_of(status, "clock_confirmed_by")));
    out += fmt::format("{:<22}{}\n", "configuration",
                       reload_error.empty() ? "good"
                                            : "AT FAULT, the old one counts: " + reload_error);
    return out;
}

std::string stats_line(const Interval& interval) {
    const Json& status = interval.now;
    return fmt::format("queries {}  looked up {}  from memory {}  active {}  connections {}{}{}{}",
                       rate_text(interval, queries), rate_text(interval, looked_up),
                       share(number_of(status, from_memory), number_of(status, queries)),
                       number_of(status, active_lookups), number_of(status, "/connections"),
                       is_degraded(status) ? "  store DEGRADED" : "",
                       validation_fails(status) ? "  DNSSEC validation FAILING" : "",
                       text_of(status, "reload_error").empty() ? "" : "  configuration AT FAULT");
}

} // namespace postseal::cli
