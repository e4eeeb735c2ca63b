// SPDX-License-Identifier: BSD-3-Clause
#include "cli/help.h"

#include "cli/sample_table.h"

#include <doctest/doctest.h>

namespace postseal::cli {
namespace {

TEST_CASE("cli/help: a tool of commands") {
    Sample sample;
    CHECK(help_text(sample_table(sample), "tool") == R"(Usage: tool [options] COMMAND ...

Does this and that.

Commands:
  ask    ask for one
  group  ask for several

Options:
  -l, --loud              say it all
  -h, --help              list arguments and options

Exit status: 0 done.
)");
}

TEST_CASE("cli/help: a command") {
    Sample sample;
    const Command table = sample_table(sample);
    CHECK(help_text(table.commands.front(), "tool ask") ==
          R"(Usage: tool ask [options] KEY [FILE]

Ask for one.

Arguments:
  KEY                     a destination
  FILE                    where it is kept

Options:
  -l, --loud              say it all
  -m, --map MAP           the map to ask
      --mode MODE         only of this mode: enforce, none
  -n, --number NUMBER     so many of them, counted from the latest back to the
                          first that was kept
      --every [TIME]      again and again
  -h, --help              list arguments and options

Examples:
  tool ask example.com
)");
}

} // namespace
} // namespace postseal::cli
