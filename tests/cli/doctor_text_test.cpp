// SPDX-License-Identifier: BSD-3-Clause
#include "cli/doctor_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal;
using namespace postseal::cli;
using doctor::Finding;
using doctor::Severity;

namespace {

const std::vector<Finding> three{
    {Severity::ok, "daemon", "it runs", "", {}},
    {Severity::warning, "level", "it is low", "a reason", {{"f.toml", "[t]", "a = 1"}}},
    {Severity::problem,
     "maps",
     "none",
     "another",
     {{"", "", "postconf -e 'a = b'"}, {"resolv.conf", "", "nameserver ::1"}}},
};

} // namespace

TEST_CASE("findings: a line each, why and the fix below it") {
    CHECK(doctor_text(three, Colour::no) == R"(ok       daemon: it runs
warning  level: it is low
           why: a reason
           fix: in f.toml, [t]: a = 1
problem  maps: none
           why: another
           fix: postconf -e 'a = b'
           fix: in resolv.conf: nameserver ::1
After a change of main.cf or master.cf: postfix reload
)");
    CHECK(doctor_text({three[0]}, Colour::no) == "ok       daemon: it runs\n");
}

TEST_CASE("findings: colour is for the mark only") {
    CHECK(doctor_text({three[0]}, Colour::yes) == "\x1b[1;32mok      \x1b[0m daemon: it runs\n");
}

TEST_CASE("findings as JSON") {
    const auto json = doctor_json(three);
    CHECK(json.dump() ==
          R"([{"severity":"ok","check":"daemon","what":"it runs","why":"","fix":[]},)"
          R"({"severity":"warning","check":"level","what":"it is low","why":"a reason",)"
          R"("fix":[{"file":"f.toml","table":"[t]","line":"a = 1"}]},)"
          R"({"severity":"problem","check":"maps","what":"none","why":"another",)"
          R"("fix":[{"command":"postconf -e 'a = b'"},)"
          R"({"file":"resolv.conf","table":"","line":"nameserver ::1"}]}])");
}
