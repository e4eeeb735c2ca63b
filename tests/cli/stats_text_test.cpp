// SPDX-License-Identifier: BSD-3-Clause
#include "cli/stats_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>

using namespace postseal;
using namespace std::chrono_literals;

namespace {

Json status(unsigned queries, unsigned cached) {
    return {{"version", "0.1.0"},
            {"queries",
             {{"total", queries},
              {"memory", cached},
              {"lookup", queries - cached},
              {"protocols", {{"socketmap", queries}}}}},
            {"connections", 3},
            {"downgrades", 1},
            {"last_downgrade", "example.com: enforce -> none"},
            {"clock_confirmed_by", "running"},
            {"store", {{"degraded", false}}},
            {"reload_error", ""}};
}

std::string line_with(const std::string& text, const std::string& label) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(label)) return line;
    return "";
}

} // namespace

TEST_CASE("cli/stats: aligned, with shares") {
    const std::string text = cli::stats_text({.before = Json(), .now = status(12'345, 12'000)});
    CHECK(text.starts_with("postseald 0.1.0\n"));
    CHECK(line_with(text, "queries") == "queries                         12,345");
    CHECK(line_with(text, "answered") == "answered from memory            12,000   97.2 %");
    CHECK(line_with(text, "downgrades").ends_with("1   example.com: enforce -> none"));
    CHECK(line_with(text, "clock").ends_with("confirmed by a day of running"));
    CHECK(line_with(text, "store") == "store                 good");
}

TEST_CASE("cli/stats: rates, but not across a restart of the daemon") {
    const Json before = status(100, 100);
    const Json now = status(150, 140);
    CHECK(line_with(cli::stats_text({.before = before, .now = now, .length = 2s}), "queries")
              .ends_with("25.0/s"));
    CHECK(cli::stats_line({.before = before, .now = now, .length = 2s})
              .starts_with("queries 25.0/s  looked up 5.0/s  from memory 93.3 %"));
    CHECK(cli::stats_line({.before = now, .now = before, .length = 2s}).starts_with("queries -  "));
}

TEST_CASE("cli/stats: since when, by class, and the parts of /healthz") {
    Json now = status(1000, 900);
    now["started_at"] = "2026-11-20T11:00:00Z";
    now["uptime_s"] = 90'000;
    now["queries"]["classes"] = {{"dane", 250}, {"may", 0}, {"none", 50}};
    now["health"] = {{{"part", "store"}, {"trouble", ""}}};
    const std::string good = cli::stats_text({.before = Json(), .now = now});
    CHECK(good.starts_with("postseald 0.1.0, up 1d 1h since 2026-11-20T11:00:00Z\n"));
    CHECK(line_with(good, "  dane") == "  dane                             250   25.0 %");
    CHECK(line_with(good, "  may").empty());
    CHECK(line_with(good, "health") == "health                good");
    CHECK(cli::health_text(now).empty());
    now["health"] = {{{"part", "store"}, {"trouble", "disk full"}},
                     {{"part", "dns"}, {"trouble", "19 of the 20 lookups failed"}}};
    const std::string ill = cli::stats_text({.before = Json(), .now = now});
    CHECK(ill.contains("health                DEGRADED\n  store: disk full\n"
                       "  dns: 19 of the 20 lookups failed\n"));
    CHECK(cli::health_text(now) == "store: disk full\ndns: 19 of the 20 lookups failed\n");
    Json later = now;
    later["queries"]["classes"]["dane"] = 270;
    CHECK(line_with(cli::stats_text({.before = now, .now = later, .length = 2s}), "  dane")
              .ends_with("10.0/s   27.0 %"));
}

TEST_CASE("cli/stats: what is wrong stands out") {
    Json ill = status(1, 1);
    ill["store"]["degraded"] = true;
    ill["store"]["reason"] = "cannot write /x";
    ill["reload_error"] = "/etc/x:1: unknown key";
    const std::string text = cli::stats_text({.before = Json(), .now = ill});
    CHECK(text.contains("DEGRADED: cannot write /x\n"));
    CHECK(text.contains("AT FAULT, the old one counts: /etc/x:1: unknown key\n"));
    CHECK(cli::stats_line({.before = Json(), .now = ill})
              .ends_with("  store DEGRADED  configuration AT FAULT"));
}

TEST_CASE("cli/stats: whether DNSSEC can be validated, by whom, and how to fix it") {
    const auto said = [](const Json& validation) {
        Json now = status(1, 1);
        now["validation"] = validation;
        return line_with(cli::stats_text({.before = Json(), .now = now}), "DNSSEC validation");
    };
    Json validation{{"state", "working"}, {"servers", "authoritative"}};
    CHECK(said(validation) == "DNSSEC validation     good");
    validation["servers"] = "resolv.conf";
    CHECK(said(validation) == "DNSSEC validation     good, by resolv.conf");
    validation["state"] = "unknown";
    CHECK(said(validation) == "DNSSEC validation     not checked yet");
    validation.update(
        {{"state", "failing"}, {"fault", "clock"}, {"reason", "why"}, {"fix", "how"}});
    CHECK(said(validation) == "DNSSEC validation     FAILING (clock): why; fix: how");
    Json ill = status(1, 1);
    ill["validation"] = validation;
    CHECK(cli::stats_line({.before = Json(), .now = ill}).ends_with("  DNSSEC validation FAILING"));
}
