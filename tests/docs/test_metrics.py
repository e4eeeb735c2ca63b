# test_metrics.py: the man page, the dashboard and the alerts know the daemon's metrics, and no others
# SPDX-License-Identifier: BSD-3-Clause
import json
import re
import shutil
import subprocess

import pytest

from mdoc import PROJECT, entries, section
from programs import run

RULES = PROJECT / "contrib/prometheus/postseal.rules.yml"
DASHBOARD = json.loads((PROJECT / "contrib/grafana/postseal.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def known() -> dict[str, tuple[str, str]]:
    """Type and labels of each."""
    lines = [line.split(" ", 2) for line in run("tests/docs/print_metrics").stdout.splitlines()]
    assert len(lines) > 20
    return {name: (kind, labels) for name, kind, labels in lines}


def names_in(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:postseal|process)_\w+", text))
    return {re.sub(r"(_seconds)_(bucket|count|sum)$", r"\1", name) for name in found}


def labels_in(text: str) -> set[str]:
    """Those that a selector or a grouping names."""
    selected = re.findall(r"[{,]\s*(\w+)\s*=", text)
    grouped = ",".join(re.findall(r"\bby \(([^)]*)\)", text)).replace(" ", "").split(",")
    return {*selected, *grouped} - {"", "instance", "job", "le"}


def test_section_metrics():
    documented = {}
    for entry in entries(section("postseald.8", "METRICS"), "Ic"):
        name, kind = re.fullmatch(r"(\w+) Pq (\w+)", entry.head).groups()
        labels = re.match(r"Labels?: (.+)\.\n", entry.text)
        documented[name] = (kind, labels.group(1) if labels else "")
    assert documented == known()


def test_parts_of_health():
    """Those that the program can name, and those that the page does."""
    sources = "".join((PROJECT / path).read_text(encoding="utf-8")
                      for path in ("src/service/status.cpp", "src/observe/observer.cpp"))
    named = sources.partition("PartHealth> Status::health(")[2]
    parts = set(re.findall(r'\{"([\w-]+)", (?:dependencies_\.reload|stuck|warnings|validation_trouble)\b', named))
    parts |= set(re.findall(r'\.part = "([\w-]+)"', sources))
    text = section("postseald.8", "HTTP").partition("a line for each part")[2]
    documented = re.findall(r"^\.Ql ([\w-]+)", text.partition(".It Cm")[0], flags=re.MULTILINE)
    assert set(documented) == parts and len(parts) == 8


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_dashboard(expression):
    metrics = known()
    names = names_in(expression)
    assert names and names <= set(metrics)
    labels = {label for name in names for label in metrics[name][1].split(", ")}
    assert labels_in(expression) <= labels


def test_dashboard_shows_every_metric():
    shown = names_in(" ".join(EXPRESSIONS))
    assert set(known()) - shown == {
        "postseal_build_info", "postseal_unknown_map_queries_total", "process_max_fds",
        "process_start_time_seconds",  # the first and the last are elsewhere in the dashboard
    }
    assert {"postseal_build_info", "process_start_time_seconds"} <= names_in(json.dumps(DASHBOARD))


def test_alerts_name_what_there_is():
    text = RULES.read_text(encoding="utf-8")
    names = names_in(" ".join(re.findall(r"expr: (\|\n(?: {10,}.+\n)+|.+)", text)))
    assert len(names) >= 7
    assert names <= set(known())


def promtool(*arguments) -> None:
    if not shutil.which("promtool"):
        pytest.skip("ALERTS AND DASHBOARD NOT CHECKED: install prometheus")
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_alerts_are_well_formed():
    promtool("check", "rules", RULES)


def test_alerts_fire_when_they_must(tmp_path):
    tests = (PROJECT / "tests/data/prometheus/rules_test.yml").read_text(encoding="utf-8")
    tried = set(re.findall(r"alertname: (\w+)\n +exp_alerts", tests))
    assert tried == set(re.findall(r"alert: (\w+)", RULES.read_text(encoding="utf-8")))
    (tmp_path / "tests.yml").write_text(tests.replace("RULES", str(RULES)), encoding="utf-8")
    promtool("test", "rules", tmp_path / "tests.yml")


def test_expressions_of_the_dashboard_are_well_formed(tmp_path):
    rules = [{"record": f"panel:{n}", "expr": expression.replace("$__rate_interval", "5m")
              .replace("$instance", ".*")} for n, expression in enumerate(EXPRESSIONS)]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", file)
