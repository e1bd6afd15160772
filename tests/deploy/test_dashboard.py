"""The dashboard and the alert rules speak only of metrics that there are."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from touchline.counters import Durations
from touchline.programme import OutputStatus
from touchline.telemetry import (
    FrameStats,
    GpuMemory,
    PoolUse,
    ProgrammeStats,
    RunCollector,
    RunStats,
)

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "touchline.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "touchline.json"


def exported() -> dict[str, set[str]]:
    """Every sample that our collector exports, and its labels."""
    durations = Durations()
    durations.add(0.001)
    stats = RunStats(
        delay_s=7.0,
        frames=FrameStats((1, 1), dropped={("player", "late"): 1}),
        stages={"stitch": durations},
        outputs=(OutputStatus("record", "match.mp4", 1, 0, 0, None),),
        programmes=(ProgrammeStats("main", 7.0, delay_error=durations),),
        pools=(PoolUse("panorama pool", 2, 1, 1, {"main": 1}),),
        gpu=GpuMemory(1, 2, 1, 0.5, "any", "nvml"),
    )
    found: dict[str, set[str]] = {}
    for metric in RunCollector(lambda: stats).collect():
        for sample in metric.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Every query of the dashboard, with its variables."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def names(text: str) -> set[str]:
    return set(re.findall(r"\btouchline_\w+", text))


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())


def test_every_metric_of_a_rule_is_exported() -> None:
    used = names(RULES.read_text())
    assert {"touchline_delay_error_seconds_bucket", "touchline_output_restarts_total"} <= used
    assert used <= set(exported())


def test_every_metric_of_a_panel_is_exported(dashboard: dict[str, Any]) -> None:
    assert names(" ".join(expressions(dashboard))) <= set(exported())


def test_every_metric_has_a_panel(dashboard: dict[str, Any]) -> None:
    """What is exported is shown; of a histogram the buckets are."""
    shown = names(" ".join(expressions(dashboard)))
    rest = {name for name in exported() if not name.endswith(("_sum", "_count", "_created"))}
    assert rest - shown == set()


def test_a_panel_asks_only_for_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    known = exported()
    checked = 0
    for expression in expressions(dashboard):
        for metric, selector in re.findall(r"(touchline_\w+)\{([^}]*)\}", expression):
            labels = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))
            assert labels <= known[metric] | {"instance", "job"}, expression
            checked += 1
    assert checked > 20


def test_legends_name_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    known = exported()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert wanted <= set.union(*(known[name] for name in names(target["expr"]))) | {"le"}


def test_it_is_a_dashboard_that_grafana_can_import(dashboard: dict[str, Any]) -> None:
    """What Grafana 10's importer asks for: an identity, a schema version, variables, panels on a grid of 24."""
    assert dashboard["uid"] == "touchline"
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    assert "id" not in dashboard, "the number of a dashboard belongs to one Grafana"
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in {"row", "stat", "timeseries", "heatmap", "state-timeline"}
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["description"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
            assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_every_variable_is_declared_and_used(dashboard: dict[str, Any]) -> None:
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps(dashboard["panels"])
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
    assert used == declared


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for a, b in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (a, b)


def test_the_handbook_names_every_metric_and_every_alert() -> None:
    text = (DEPLOY.parent / "docs" / "operations.md").read_text()
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exported()}
    missing = {name for name in families if f"`{name.removeprefix('touchline_')}`" not in text}
    assert missing == set()
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    assert {alert for alert in alerts if f"| `{alert}` |" in text} == alerts
