"""The files of deploy/prometheus, judged by Debian's promtool, and a real Prometheus that watches a real run."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "touchline.json"
DELAY_S = 0.8
PATIENCE_S = 90.0


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of Debian's prometheus and promtool."""
    got = subprocess.run(
        [ROOT / "tools" / "prometheus"], capture_output=True, text=True, timeout=120, check=False
    )
    if got.returncode:
        pytest.skip(got.stderr.strip())
    return Path(got.stdout.strip())


def _promtool(programs: Path, *arguments: str) -> str:
    done = subprocess.run(
        [programs / "promtool", *arguments],
        cwd=DEPLOY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_sound(programs: Path) -> None:
    assert "13 rules found" in _promtool(programs, "check", "rules", "touchline.rules.yml")


def test_the_configuration_is_sound(programs: Path) -> None:
    assert "1 rule files found" in _promtool(programs, "check", "config", "prometheus.yml")


def test_each_alert_comes_when_it_should_and_only_then(programs: Path) -> None:
    assert "SUCCESS" in _promtool(programs, "test", "rules", "touchline.rules.test.yml")


def test_each_alert_is_tested() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", (DEPLOY / "touchline.rules.yml").read_text()))
    tests = (DEPLOY / "touchline.rules.test.yml").read_text()
    assert len(alerts) == 13
    assert {alert for alert in alerts if alert in tests} == alerts


def test_without_a_network_the_script_says_so_in_one_line(tmp_path: Path) -> None:
    """In a tree of its own, with an apt-get that finds nothing."""
    tool, apt = tmp_path / "tools" / "prometheus", tmp_path / "bin" / "apt-get"
    for path, text in (
        (tool, (ROOT / "tools" / "prometheus").read_text()),
        (apt, "#!/bin/sh\necho 'E: Unable to locate package prometheus' >&2\nexit 100\n"),
        (apt.with_name("dpkg-deb"), "#!/bin/sh\nexit 1\n"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    got = subprocess.run(
        [tool],
        env={"PATH": f"{apt.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert got.returncode == 1
    assert got.stdout == ""
    assert re.fullmatch(r"prometheus: .*E: Unable to locate package prometheus.*network.*\n", got.stderr)
    assert list((tmp_path / "build").iterdir()) == [], "nothing half done is left"


def _until(found: Callable[[], Any], what: str) -> Any:
    """The first answer that is one."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return answer


@dataclass(frozen=True)
class Watch:
    """A run, and the Prometheus that scrapes it."""

    run: subprocess.Popen[str]
    address: str

    def api(self, path: str, **arguments: str) -> Any:
        query = urllib.parse.urlencode(arguments)
        with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{query}", timeout=10) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """An instant query: labels and value of each series."""
        result = self.api("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression: str) -> float | None:
        found = self.query(expression)
        return found[0][1] if found else None


def _run_touchline() -> tuple[subprocess.Popen[str], int]:
    """A run with a metrics port of its own choice."""
    process = subprocess.Popen(
        [
            *(Path(sys.executable).with_name("touchline"), "run", "--synthetic", "1", "--metrics-port", "0"),
            *("--synthetic-size", "320x180", "--size", "320x180", "--view", "fixed:0,-10,40"),
            *("--delay", str(DELAY_S), "--duration", "120"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("Metrics:"):
            return process, int(re.search(r":(\d+)/metrics", line)[1])  # type: ignore[index]
    pytest.fail("".join(told))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def watch(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Our configuration as it is shipped, but for the port and the pace."""
    folder, port = tmp_path_factory.mktemp("prometheus"), _free_port()
    with ExitStack() as ending:
        run, metrics_port = _run_touchline()
        ending.callback(_end, run)
        config = (DEPLOY / "prometheus.yml").read_text()
        for ours, here in ((":9700", f":{metrics_port}"), ("interval: 5s", "interval: 500ms")):
            assert ours in config
            config = config.replace(ours, here)
        (folder / "prometheus.yml").write_text(config)
        (folder / "touchline.rules.yml").write_text((DEPLOY / "touchline.rules.yml").read_text())
        server = subprocess.Popen(
            [
                programs / "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ],
            text=True,
        )
        ending.callback(_end, server)
        watched = Watch(run, f"http://127.0.0.1:{port}")
        _until(lambda: _answers(watched.address), "Prometheus")
        yield watched


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def test_it_watches_a_run_from_start_to_end(watch: Watch) -> None:
    """Up, then ready on the delay, then frame upon frame; and when the run goes, that is seen."""
    _until(lambda: watch.value('up{job="touchline"}') == 1, "the target")
    _until(lambda: watch.value("touchline_ready") == 1, "a run that is ready")
    assert watch.value("touchline_delay_seconds") == pytest.approx(DELAY_S, abs=0.25)
    assert watch.value("touchline_delay_target_seconds") == DELAY_S
    played = 'touchline_frames_total{stage="played"}'
    before = _until(lambda: watch.value(played), "frames")
    _until(lambda: (watch.value(played) or 0) >= before + 30, "a second more of frames")
    _until(lambda: watch.value(f"rate({played}[5s]) > 5"), "a rate")
    _until(lambda: watch.value('touchline_state{state="playing"}') == 1, "a run that plays")
    _the_rules_work(watch)
    _the_panels_work(watch)
    watch.run.send_signal(signal.SIGINT)
    watch.run.send_signal(signal.SIGINT)
    _until(lambda: watch.value('up{job="touchline"}') == 0, "the end of the run to be seen")
    _until(lambda: watch.query('ALERTS{alertname="TouchlineDown"}'), "the alert, at least pending")


def _the_rules_work(watch: Watch) -> None:
    """Each is evaluated without an error on real figures, and says how grave it is and what to do."""

    def evaluated() -> list[dict[str, Any]]:
        (group,) = watch.api("rules")["groups"]
        return group["rules"] if all(rule["health"] == "ok" for rule in group["rules"]) else []

    rules = _until(evaluated, "every rule to be evaluated")
    assert len(rules) == 13
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert len(rule["annotations"]["description"]) > 40
        assert not rule.get("lastError")


def _the_panels_work(watch: Watch) -> None:
    """Each query of the dashboard is one, and has an answer unless nothing of its kind took place."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    silent = set()
    asked = 0
    for panel in panels:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5s")
            expression = re.sub(r"\$(instance|programme)", ".*", expression)
            asked += 1
            if not watch.query(expression):
                silent.add(panel["title"])
    assert asked > 25
    # Without a GPU, without an output; and nothing may have been lost.
    assert silent <= {"GPU", "GPU memory", "Frames", "Restarts", "Working", "Lost frames"}
