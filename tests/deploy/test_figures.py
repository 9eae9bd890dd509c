"""Prometheus, its alerts and Grafana's page: of figures that the service has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bithuman_core.service.metrics import Metrics
from tests.deploy.conftest import ROOT

DEPLOY = ROOT / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "bithuman.json").read_text())
FIGURE = re.compile(r"\b(?:bithuman|process)_\w+")
OF_A_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")


def queries() -> Iterator[str]:
    """All that Grafana's page asks for."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return group["rules"]


def figures() -> dict[str, str]:
    """Kinds of the figures of a service that has just begun, by name."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", Metrics().told({}).decode(), re.MULTILINE))


@pytest.mark.skipif(sys.platform != "linux", reason="a process tells of its memory on Linux alone")
def test_what_is_asked_for_is_there() -> None:
    known = figures()
    assert known["bithuman_tick_seconds"] == "histogram"
    asked = {name for query in [*queries(), *(rule["expr"] for rule in rules())] for name in FIGURE.findall(query)}
    assert len(asked) > 12
    for name in asked:
        family = OF_A_HISTOGRAM.sub("", name)
        assert name in known or known.get(family) == "histogram", name
    for query in queries():  # a counter by itself only grows
        for name in FIGURE.findall(query):
            assert not name.endswith(("_total", "_bucket")) or re.search(rf"(?:rate|increase)\({name}\b", query), query


def test_what_an_operator_wants_to_know_is_asked() -> None:
    asked = " ".join(queries())
    for name, kind in figures().items():
        family = name.removesuffix("_total")
        if name.startswith("bithuman_") and not name.endswith("_created") and name != "bithuman_queue":
            assert family in asked, f"{name} ({kind}) is on no panel"


def test_panels_stand_beside_each_other() -> None:
    taken = set[tuple[int, int]]()
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers) > 12
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


def test_grafana_finds_page_and_prometheus() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    asked = {part["datasource"]["uid"] for panel in DASHBOARD["panels"] for part in (panel, *panel.get("targets", ()))}
    assert asked == {source["uid"]}
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    listening = next(word for word in compose["prometheus"]["command"] if "listen-address" in word)
    assert source["url"] == "http://" + listening.partition("=")[2]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "bithuman.yaml").read_text())["providers"]
    folder = provider["options"]["path"]
    assert f"./grafana/dashboards:{folder}:ro" in compose["grafana"]["volumes"]
    home = compose["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(folder) and (DEPLOY / "grafana" / "dashboards" / Path(home).name).exists()


def test_prometheus_takes_its_files(promtool: Path, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "prometheus", tmp_path, dirs_exist_ok=True)
    (tmp_path / "scrape").write_text("secret")
    file = tmp_path / "prometheus.yml"
    named = "/run/secrets/scrape"
    assert named in file.read_text()
    file.write_text(file.read_text().replace(named, str(tmp_path / "scrape")))
    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and f"{len(rules())} rules found" in done.stdout, done.stderr


def test_alerts_are_raised_when_they_should_be(promtool: Path, tmp_path: Path) -> None:
    for file in (DEPLOY / "prometheus" / "alerts.yml", Path(__file__).with_name("alerts_test.yml")):
        shutil.copy(file, tmp_path)
    tried = (tmp_path / "alerts_test.yml").read_text()
    assert all(f"alertname: {rule['alert']}" in tried for rule in rules())
    command = [promtool, "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_are_those_of_the_document() -> None:
    document = (ROOT / "docs" / "deploying.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)) == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"].keys() == {"summary", "what_to_do"} and rule["labels"].keys() == {"severity"}
