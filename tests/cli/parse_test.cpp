// SPDX-License-Identifier: BSD-3-Clause
#include "cli/parse.h"

#include "cli/sample_table.h"

#include <doctest/doctest.h>

namespace postseal::cli {
namespace {

struct Read {
    Sample to;
    std::string path;  // of the command
    std::string fault; // empty: none
    bool help = false;
};

Read read(std::vector<std::string> words) {
    Read out;
    const Command table = sample_table(out.to);
    words.insert(words.begin(), "tool");
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    const auto parsed = parse(table, argv);
    out.path = parsed ? parsed->path : parsed.error().path;
    if (!parsed)
        out.fault = parsed.error().text;
    else
        out.help = parsed->help;
    return out;
}

TEST_CASE("cli/parse: options stand before and behind, arguments keep their brackets") {
    const Read got = read({"--loud", "ask", "-m", "tlsrpt", "[mx.example.com]", "--number=3"});
    CHECK(got.fault == "");
    CHECK(got.path == "tool ask");
    CHECK(got.to.loud);
    CHECK(got.to.map == "tlsrpt");
    CHECK(got.to.key == "[mx.example.com]");
    CHECK(got.to.number == 3);
    CHECK(got.to.file == "");
    CHECK(read({"ask", "a", "b"}).to.file == "b");
    CHECK(read({"ask", "a", "-"}).to.file == "-");
    CHECK(read({"ask", "a", "-m", "x", "-m", "y"}).to.map == "y");
}

TEST_CASE("cli/parse: a value that may be left out") {
    CHECK(read({"ask", "a"}).to.every == "");
    CHECK(read({"ask", "a", "--every"}).to.every == "2s");
    CHECK(read({"ask", "a", "--every", "--loud"}).to.every == "2s");
    CHECK(read({"ask", "a", "--every", "5s"}).to.every == "5s");
}

TEST_CASE("cli/parse: commands in a group, several arguments") {
    const Read got = read({"group", "all", "[a.example]:587", "b.example", "ask"});
    CHECK(got.fault == "");
    CHECK(got.path == "tool group all");
    CHECK(got.to.keys == std::vector<std::string>{"[a.example]:587", "b.example", "ask"});
}

TEST_CASE("cli/parse: behind -- everything is an argument") {
    CHECK(read({"ask", "--", "--"}).to.key == "--");
    CHECK(read({"ask", "a", "--"}).to.key == "a");
    CHECK(read({"ask", "--", "-x"}).to.key == "-x");
    CHECK(read({"group", "all", "a", "--", "--loud"}).to.keys ==
          std::vector<std::string>{"a", "--loud"});
}

TEST_CASE("cli/parse: help is for the deepest command named, whatever else is missing") {
    CHECK(read({"--help"}).path == "tool");
    const Read got = read({"ask", "--help"});
    CHECK(got.help);
    CHECK(got.path == "tool ask");
    CHECK(read({"group", "all", "-h"}).path == "tool group all");
}

TEST_CASE("cli/parse: what is wrong, and what was meant") {
    CHECK(read({}).fault == "name a command");
    CHECK(read({"group"}).fault == "name a command");
    CHECK(read({"group"}).path == "tool group");
    CHECK(read({"aks", "x"}).fault == "there is no command \"aks\"; did you mean \"ask\"?");
    CHECK(read({"list"}).fault == "there is no command \"list\"; there are: ask, group");
    CHECK(read({"aks", "ask", "x"}).fault == "there is no command \"aks\"; did you mean \"ask\"?");
    CHECK(read({"group", "al"}).fault == "there is no command \"al\"; did you mean \"all\"?");
    CHECK(read({"ask", "--mpa", "x"}).fault == "there is no option --mpa; did you mean --map?");
    CHECK(
        read({"ask", "--xyzzy", "x"}).fault ==
        "there is no option --xyzzy; there are: --loud, --map, --mode, --number, --every, --help");
    CHECK(read({"--lod", "ask", "x"}).fault == "there is no option --lod; did you mean --loud?");
    CHECK(read({"ask"}).fault == "KEY is missing");
    CHECK(read({"group", "all"}).fault == "KEY is missing");
    CHECK(read({"ask", "a", "b", "c"}).fault == "unexpected argument \"c\"");
    CHECK(read({"ask", "a", "--mode", "weak"}).fault ==
          "--mode \"weak\": there are: enforce, none");
    CHECK(read({"ask", "a", "-n", "many"}).fault == "--number \"many\" is not a whole number");
    CHECK(read({"ask", "a", "--map"}).fault != "");
}

} // namespace
} // namespace postseal::cli
