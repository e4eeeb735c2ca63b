# test_docs.py: the man pages and the documents say what the program does, all of it and no more
# SPDX-License-Identifier: BSD-3-Clause
import re
import shutil
import subprocess

import pytest

import mdoc
from mdoc import PAGES, PROJECT, entries, section
from programs import (commands_of_the_tool, configuration_fault, help_of, known_keys, listed,
                      options, run, same_configuration)

SOURCES = {path: path.read_text(encoding="utf-8") for path in (PROJECT / "src").rglob("*.cpp")}


def text_of(path: str) -> str:
    return (PROJECT / path).read_text(encoding="utf-8")


# --- The pages themselves --------------------------------------------------------------------

@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_has_no_complaint(page):
    if not shutil.which("mandoc"):
        pytest.skip("MAN PAGES NOT CHECKED: install mandoc")
    result = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page],
                            capture_output=True, text=True, check=False)
    assert result.stdout + result.stderr == ""


def test_every_page_is_installed():
    installed = re.findall(r"'(.+\.[1-9])'", text_of("man/meson.build"))
    assert sorted(installed) == [page.name for page in PAGES]


def test_pages_that_pages_refer_to_are_there():
    ours = {page.name for page in PAGES}
    for page in PAGES:
        for name, number in re.findall(r"^\.Xr (postseal\S*) (\d)", mdoc.source(page.name),
                                       flags=re.MULTILINE):
            assert f"{name}.{number}" in ours, page.name


# --- postseal.toml(5) ------------------------------------------------------------------------

KEYS = entries(section("postseal.toml.5", "DESCRIPTION"), "Ic")


def dotted(entry) -> str:
    key = entry.head.partition(" = ")[0]
    return f"{entry.table}.{key}" if entry.table else key


def default_of(entry) -> str:
    return entry.head.partition(" = ")[2]


def table_text(table: str, lines: list[str]) -> str:
    """A configuration with these lines in that table, and what must be there beside them."""
    needed = {"listen": 'address = "unix:/x"', "map": 'name = "x"'}
    keys = {line.partition(" = ")[0] for line in lines}
    if table in needed and needed[table].partition(" = ")[0] not in keys:
        lines = [needed[table], *lines]
    head = f"[[{table}]]" if table in needed else f"[{table}]"
    return "\n".join([head] * bool(table) + lines) + "\n"


def test_keys():
    documented = [dotted(entry) for entry in KEYS]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(known_keys())


@pytest.mark.parametrize("table", sorted({entry.table for entry in KEYS}))
def test_defaults(tmp_path, table):
    """A file that repeats them all means the same as one without them."""
    lines = [entry.head for entry in KEYS if entry.table == table and default_of(entry)]
    assert lines
    written, left_out = tmp_path / "written", tmp_path / "left-out"
    written.write_text(table_text(table, lines), encoding="utf-8")
    left_out.write_text(table_text(table, []), encoding="utf-8")
    assert same_configuration(written, left_out)


def test_keys_without_default_must_be_there():
    assert {dotted(entry) for entry in KEYS if not default_of(entry)} == {
        "listen.address", "map.name"
    }


def test_default_listeners(tmp_path):
    page = mdoc.plain(section("postseal.toml.5", "DESCRIPTION"))
    listeners = ("inet:127.0.0.1:8461", "socketmap"), ("unix:/run/postseal/admin.sock", "admin")
    text = ""
    for address, protocol in listeners:
        assert address in page
        text += f'[[listen]]\naddress = "{address}"\nprotocol = "{protocol}"\n'
    (tmp_path / "named").write_text(text, encoding="utf-8")
    (tmp_path / "empty").touch()
    assert same_configuration(tmp_path / "named", tmp_path / "empty")


@pytest.mark.parametrize("entry", KEYS, ids=dotted)
def test_what_the_program_demands_is_said(tmp_path, entry):
    """The program's own words about a value that is none, against the entry's."""
    file = tmp_path / "postseal.toml"
    bad = {'"': '"nonsense"', "[": "[1]", "t": '"x"', "f": '"x"'}
    default = default_of(entry) or '"'
    value = bad.get(default[0], "-1")
    if re.fullmatch(r'"\d+(ms|s|m|h)"', default):
        value = '"0ms"'
    elif re.fullmatch(r'"\d+[KMGT]"', default):
        value = '"0"'
    key = dotted(entry).rpartition(".")[2]
    file.write_text(table_text(entry.table, [f"{key} = {value}"]), encoding="utf-8")
    fault = configuration_fault(file)
    said = entry.head + "\n" + entry.text
    for least, most in re.findall(r"from (\w+) to (\w+)", fault):
        assert f"From {least} to {most}" in said
    for least in re.findall(r"at least (\d+) octets", fault):
        assert f"At least {least} octets" in said
    if value == '"nonsense"':
        for word in set(re.findall(r'"([^"]+)"', fault)) - {"nonsense"}:
            assert f'"{word}"' in said, fault
    elif value in ('"0ms"', '"0"', "-1"):
        assert fault, f"{value} is not a value of {dotted(entry)}"


@pytest.mark.parametrize("block", mdoc.literal_blocks(section("postseal.toml.5", "EXAMPLES")))
def test_examples_of_the_configuration(tmp_path, block):
    file = tmp_path / "postseal.toml"
    file.write_text(block, encoding="utf-8")
    assert configuration_fault(file) == ""


# --- postseal-overrides(5) -------------------------------------------------------------------

def test_override_attributes():
    source = text_of("src/core/verdict/postfix_policy.cpp")
    known = set(re.findall(r'Attribute\{"(\w+)", Form::legacy', source))
    page = mdoc.plain(section("postseal-overrides.5", "DESCRIPTION"))
    assert known
    assert set(re.findall(r"^(\w+)= *,?", page, flags=re.MULTILINE)) == known


def test_override_example(tmp_path):
    block = mdoc.literal_blocks(section("postseal-overrides.5", "DESCRIPTION"))[0]
    (tmp_path / "overrides").write_text(block, encoding="utf-8")
    file = tmp_path / "postseal.toml"
    file.write_text(f'[verdict]\noverrides = "{tmp_path}/overrides"\n', encoding="utf-8")
    result = run("postseal", "check-config", "--config", file)
    assert result.returncode == 0, result.stderr
    assert "3 overrides" in result.stdout


# --- Options and exit status -----------------------------------------------------------------

def documented_options(page: str) -> set[tuple[str, str]]:
    found = set()
    for entry in entries(section(page, "DESCRIPTION"), "Fl"):
        words = re.fullmatch(r"(?:(\w) , Fl )?-([\w-]+)(?: (?:Op )?Ar \w+)?",
                             entry.head)
        assert words, entry.head
        found.add((words.group(1) or "", words.group(2)))
    return found


@pytest.fixture(scope="module", name="commands")
def all_commands() -> dict[str, str]:
    """Each command of the tool and its help."""
    return {command: help_of("postseal", *command.split()) for command in commands_of_the_tool()}


def test_options_of_the_daemon():
    assert documented_options("postseald.8") == options(help_of("postseald"))


def test_options_of_the_tool(commands):
    there_are = options(help_of("postseal"))
    for help_text in commands.values():
        there_are |= options(help_text)
    assert documented_options("postseal.1") == there_are


def test_commands_of_the_tool(commands):
    described = [entry.head for entry in entries(section("postseal.1", "DESCRIPTION"), "Cm")]
    assert sorted(described) == sorted({command.partition(" ")[0] for command in commands})


def test_every_command_has_an_example(commands):
    for command, help_text in commands.items():
        assert f"\nExamples:\n  postseal {command}" in help_text, command


def test_every_command_writes_json(commands):
    assert [command for command, help_text in commands.items()
            if ("j", "json") not in options(help_text)] == ["completion"]


def test_help_fits_a_terminal(commands):
    for command, help_text in commands.items():
        prose = re.sub(r"^Examples:\n(?: .*\n)+", "", help_text, flags=re.MULTILINE)
        assert max(map(len, prose.splitlines())) <= 80, command


def test_synopsis(commands):
    """The forms of the man page, in its order of commands, against usage and options."""
    forms = re.split(r"^\.Nm\n", section("postseal.1", "SYNOPSIS"), flags=re.MULTILINE)[1:-1]
    documented = {}
    for form in forms:
        name = re.match(r"\.Cm (.+)\n", form).group(1)
        documented[name] = (
            set("".join(re.findall(r"Fl (\w+)", form))),
            set(re.findall(r"Fl -([\w-]+)", form)),
            re.findall(r"^\.(?:Op )?Ar (\w+)", form, flags=re.MULTILINE),
        )
    there_are = {}
    for command, help_text in commands.items():
        known = options(help_text)
        there_are[command] = (
            {short for short, _ in known if short} - {"h"},
            {long for short, long in known if not short},
            [word.lower() for word in listed(help_text, "Arguments")],
        )
    assert documented == there_are


@pytest.mark.parametrize("name, page", [("postseald", "postseald.8"), ("postseal", "postseal.1")])
def test_exit_status(name, page):
    footer = " ".join(help_of(name).partition("Exit status: ")[2].split())
    there_are = set(re.findall(r"(?:^|, )(\d+) ", footer))
    _, _, bug = text_of(f"src/{name}.cpp").partition("catch (const std::exception& bug)")
    assert re.search(r"return (?:fail\()?(?:70|service::defect)\b", bug)
    assert "defect = 70;" in text_of("src/service/exit_status.h")
    text = section(page, "EXIT STATUS")
    assert set(re.findall(r"^\.It (\d+)$", text, flags=re.MULTILINE)) == there_are | {"70"}


def test_exit_status_of_the_tool_is_its_own():
    enumerated = re.findall(r"= (\d+),", text_of("src/cli/exit_status.h"))
    text = section("postseal.1", "EXIT STATUS")
    assert set(re.findall(r"^\.It (\d+)$", text, flags=re.MULTILINE)) == {*enumerated, "70"}


def test_members_of_explain():
    source = text_of("src/engine/explain.cpp")
    members = set(re.findall(r'out\["(\w+)"\]', source)) | {"key", "verdict"}
    members |= set(re.findall(r'explained\["(\w+)"\]', source + text_of("src/cli/explain.cpp")))
    _, _, text = section("postseal.1", "DESCRIPTION").partition("the members are\n")
    named = re.findall(r"^\.Ql (\w+)", text.partition("Times are")[0], flags=re.MULTILINE)
    assert set(named) == members


def test_stats_show_all_of_the_status():
    source = text_of("src/observe/status_json.cpp").partition("Json status_json(")[2]
    members = set(re.findall(r'^ {12}\{"(\w+)"|return \{\{"(\w+)"', source, flags=re.MULTILINE))
    members = {name for pair in members for name in pair if name} - {"now"}
    assert len(members) > 10
    shown = text_of("src/cli/stats_text.cpp")
    assert {name for name in members if not re.search(rf'["/]{name}["/]', shown)} == set()


def test_checks_of_the_doctor():
    there_are = set()
    for path, text in SOURCES.items():
        if path.parent.name == "doctor":
            there_are |= set(re.findall(r'(?:report\.\w+\(|add\(report, )"([\w-]+)",', text))
    assert len(there_are) > 10
    _, _, listed = section("postseal.1", "DESCRIPTION").partition("The checks:\n")
    assert {entry.head for entry in entries(listed, "Ic")} == there_are


# --- The log ---------------------------------------------------------------------------------

def call_at(text: str, begin: int) -> str:
    """The call whose opening parenthesis is at `begin`."""
    depth = 0
    for end in range(begin, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return text[begin:end]
    raise AssertionError("a call that does not end")


def logged() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Level and fields of each event in the sources."""
    found = {}
    for path, text in SOURCES.items():
        if path.parent.name == "log":
            continue
        for call in re.finditer(r"\blog_?(?:\(\))?(?:\.|->)(error|warning|info|debug)(\()\s*\"([^\"]+)\"", text):
            fields = re.findall(r'\{\s*"(\w+)",', call_at(text, call.start(2)))
            found[call.group(3)] = (call.group(1), tuple(fields))
    return found


def test_log_events():
    documented = {}
    for entry in entries(section("postseald.8", "LOG"), "Ic"):
        event, level = re.fullmatch(r"([\w-]+) Pq (\w+)", entry.head).groups()
        fields = re.search(r"^Fields?: (.+)\.$", entry.text, flags=re.MULTILINE)
        documented[event] = (level, tuple(fields.group(1).split(", ")) if fields else ())
    there_are = logged()
    assert len(there_are) >= 10, "the search finds them"
    assert documented == there_are


def test_a_log_field_has_one_name():
    """The table of the fields: what is the same thing is called the same in all events."""
    _, _, table = section("postseald.8", "LOG").partition("A field means the same in every event:\n")
    table = table.partition(".El")[0]
    documented = {name for names in re.findall(r"^\.It Va (.+)$", table, flags=re.MULTILINE)
                  for name in names.split(" , ")}
    assert documented == {field for _, fields in logged().values() for field in fields}


# Of these the line is rewritten on a terminal, behind the program's name or a blank line.
REWRITTEN = {r"\r{} of {} addresses{}", r"\r\x1b[K{}", r"\r\x1b[K"}


def test_every_message_begins_with_the_programs_name():
    messages = {}
    for path, text in SOURCES.items():
        if path.parent.name == "cli" or path.name == "postseal.cpp":
            for call in re.finditer(r'fmt::print\(\s*stderr,\s*"((?:[^"\\]|\\.)*)"', text):
                messages.setdefault(call.group(1), path.name)
    assert len(messages) > 10, "the search finds them"
    assert {(text, name) for text, name in messages.items()
            if not text.startswith("postseal: ") and text not in REWRITTEN} == {
                ("{}: {}\\nsee: {} --help\\n", "postseal.cpp")}, "that is the command's name"


def test_direct_is_offered_where_it_is_an_option():
    """admin_client.cpp's has_direct() against the commands."""
    source = text_of("src/cli/admin_client.cpp")
    begin = source.index("has_direct(")
    said = set(re.findall(r'"(\w+)"', call_body(source, begin))) - {"command"}
    offered = {path.stem for path, text in SOURCES.items()
               if path.parent.name == "cli" and "lookup_options(common)" in text
               and path.stem not in ("options", "commands")}
    assert said == offered


def call_body(source: str, at: int) -> str:
    begin = source.index("{", at)
    return source[begin:source.index("\n}", begin)]


def test_every_failure_has_its_reason():
    without = {event for event, (level, fields) in logged().items()
               if (level in ("warning", "error") or event.endswith("-failed"))
               and not {"reason", "fault", "defect", "part"} & set(fields)}
    assert without == {"downgrade"}, "which is not a failure of ours: it has what was and what is"


def names_of(enum: str, source: str) -> list[str]:
    """By its table (base/names.h)."""
    table = text_of(source).partition(f"names_for<{enum}>(")[2].partition(";")[0]
    return re.findall(r'"([^"]*)"', table)


def test_fetch_faults():
    named = re.search(r"The fault is one of (.+)\.", section("postseald.8", "LOG")).group(1)
    assert named.split(", ") == names_of("FetchFault", "src/https/policy_fetch.cpp")


# --- postseal-verdicts(7) --------------------------------------------------------------------

def test_decision_table():
    source = text_of("src/core/verdict/decide.cpp")
    rows = re.findall(r"Row\{(\d+),.*?//\n\s+(\w+), (\w+), \"", source, flags=re.DOTALL)
    words = {"as_configured": "as configured", "dane_only": "dane-only", "by_mixed": "by mixed",
             "unknown_dane": "tempfail"}
    there_are = [(number, words.get(a, a), words.get(b, b)) for number, a, b in rows]
    assert len(there_are) == 13
    lines = re.findall(r"^\.It (\d+ Ta .+)$", section("postseal-verdicts.7", "THE TABLE"),
                       flags=re.MULTILINE)
    cells = [re.split(r" ?Ta ?", line) for line in lines]
    assert [(row[0], row[3], row[4]) for row in cells] == there_are
    reasons = re.findall(r"^\.It (\d+)$", section("postseal-verdicts.7", "THE TABLE"),
                         flags=re.MULTILINE)
    assert reasons == [number for number, _, _ in there_are], "each row has its why"


def test_letters_and_classes():
    text = section("postseal-verdicts.7", "DESCRIPTION")
    named = {entry.head for entry in entries(text, "Cm")}
    letters = re.findall(r"return '([A-Z])';", text_of("src/core/verdict/evidence.cpp"))
    classes = names_of("Class", "src/core/verdict/decide.cpp")
    assert len(letters) == 5 and len(classes) == 5
    assert named == {*letters, *classes}


def test_options_of_verdicts():
    text = section("postseal-verdicts.7", "THE TABLE")
    named = {f"verdict.{entry.head}" for entry in entries(text, "Ic")}
    assert named == {key for key in known_keys() if key.startswith("verdict.")}


# --- README.md and contrib/doc ---------------------------------------------------------------

@pytest.mark.parametrize("document", ["contrib/doc/rfc.md", "contrib/doc/architecture.md"])
def test_files_that_documents_name_are_there(document):
    named = re.findall(r"`((?:src|include|tests|contrib|man)/[^`]*)`", text_of(document))
    assert len(named) > 10
    missing = sorted({path for path in named if not (PROJECT / path).exists()})
    assert missing == []


@pytest.mark.parametrize("number", [2308, 5321, 6698, 7671, 7672, 8460, 8461])
def test_standards_with_file_and_test(number):
    """Each row of rfc.md names where the section is and what shows it."""
    found = 0
    for part in re.split(r"^## ", text_of("contrib/doc/rfc.md"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        for line in re.findall(r"^\| (?!section|standard|document)(.+) \|$", text, flags=re.MULTILINE):
            where, _, file, test = line.split(" | ")
            assert re.search(r"`(src|include)/", file), line
            assert "`tests/" in test or re.search(r"\b(system|mail)\b", test), line
            found += f"RFC {number}" in heading or f"RFC {number}" in where
    assert found


def test_every_dependency_has_its_reason():
    def squeezed(name: str) -> str:
        name = re.sub(r"^lib|3$", "", name.lower()).replace("++", "plusplus")
        return re.sub(r"[^a-z0-9]", "", name)

    table = section_of_table("contrib/doc/architecture.md", "## Why these parts")
    explained = {squeezed(name) for row in table for name in re.findall(r"[\w+-]+", row[0])}
    used = set(re.findall(r"dependency\('(\w+)'", text_of("meson.build"))) - {"threads"}
    assert {name for name in used if squeezed(name) not in explained} == set()
    assert all(all(row[:3]) for row in table), "each has a reason and a licence"


def section_of_table(document: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    text = text_of(document).partition(heading + "\n")[2].partition("\n#")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_files_that_the_readme_names_are_there():
    named = set(re.findall(r"\b(?:contrib|man|postfix-examples)/[\w./-]*", text_of("README.md")))
    assert "contrib/quickstart" in named
    assert [path for path in sorted(named) if not (PROJECT / path.rstrip(".")).exists()] == []


def test_the_licence_is_a_line_of_its_own():
    """clang-format joins it to a comment that it breaks."""
    files = [path for folder in ("include", "src", "tests") for suffix in ("cpp", "h")
             for path in (PROJECT / folder).rglob(f"*.{suffix}")]
    alone = "\n// SPDX-License-Identifier: BSD-3-Clause\n"
    without = [path for path in files if alone not in "\n" + path.read_text(encoding="utf-8")]
    assert len(files) > 300 and without == []


def test_sentences_of_the_readme_are_short():
    prose = re.sub(r"^(?:    |!\[| ?explains a).*$", "", text_of("README.md"), flags=re.MULTILINE)
    long = [" ".join(sentence.split())
            for paragraph in re.split(r"\n\s*\n|\n- |:\n", prose)
            for sentence in re.split(r"(?<=[.!?])\*?\s+", paragraph)
            if len(sentence.split()) > 25]
    assert long == []


def test_readme_configuration(tmp_path):
    block = re.search(r"A small one:\n\n((?:    .+\n)+)", text_of("README.md")).group(1)
    file = tmp_path / "postseal.toml"
    file.write_text(block, encoding="utf-8")
    assert configuration_fault(file) == ""


# --- The glossary ----------------------------------------------------------------------------

def test_each_word_of_the_glossary_is_there_once_and_where_it_says():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([^`|]+)` \|$",
                      text_of("contrib/doc/glossary.md"), flags=re.MULTILINE)
    words = [word for word, _, _ in rows]
    assert 30 < len(words) <= 50
    assert words == sorted(set(words), key=str.lower)
    assert [where for _, _, where in rows if not (PROJECT / where).is_file()] == []


# --- The threat model ------------------------------------------------------------------------

THREATS = "contrib/doc/security.md"


def claims() -> list[list[str]]:
    """The rows of the tables whose last column says what shows them."""
    rows, inside = [], False
    for line in text_of(THREATS).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and cells[-1].strip(" |") == "shown by":
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            rows.append(cells)
    return rows


def is_there(test: str) -> bool:
    """`FILE::NAME`, of a function or a doctest case; a fuzz target is one whole file."""
    path, _, name = test.partition("::")
    if not (PROJECT / path).is_file():
        return False
    if path.startswith("tests/fuzz/"):
        return not name
    return f"def {name}(" in text_of(path) or f'TEST_CASE("{name}")' in text_of(path)


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim[0][:50])
def test_each_claim_of_the_threat_model_has_its_test(claim):
    tests = re.findall(r"`(tests/[^`]+)`", claim[-1])
    assert tests, f"no test shows what can be done at most by who can {claim[0]}"
    assert [test for test in tests if not is_there(test)] == []


def test_tests_that_the_threat_model_names_are_there():
    assert len(claims()) > 40
    named = re.findall(r"`(tests/[^`]+)`", text_of(THREATS))
    for test in named:
        assert is_there(test) or "::" not in test and (PROJECT / test).is_file(), test
