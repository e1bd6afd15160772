"""``touchline soak``: exit codes, tables and files, and GStreamer's own count of what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runs import refused, touchline

_LEAK = """
from touchline.soak.leaks import buffers_alive, count_buffers
count_buffers()
from touchline.gst.shares import share
from touchline.soak.limits import SoakLimits
from touchline.soak.settings import SoakSettings
from touchline.soak.soak import Soak
kept = []
soak = Soak(SoakSettings(5, delays_s=(1.0,)), SoakLimits())
show = soak.players[0]._show
def keep(cue):
    if 30 <= cue.frame.sequence < 33:
        kept.append(share(cue.frame.buffer))
    show(cue)
soak.players[0]._show = keep
result = soak.run()
del keep, show
print("left", result.buffers_left, "missing", result.pool_missing)
kept.clear()
print("then", buffers_alive())
"""


def test_a_soak_that_is_a_go(tmp_path) -> None:
    """With GStreamer's leaks tracer, which has seen every buffer of the process and finds none at the end."""
    report, picture = tmp_path / "soak.json", tmp_path / "soak.png"
    limits = tmp_path / "limits.toml"
    limits.write_text("[soak]\nrss_growth_mb = 50\n")
    done = touchline(
        *("soak", "--hours", "0.01", "--delay", "2", "--delay", "1", "--faults", "3", "--config", limits),
        *("--report", report, "--png", picture),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "GO"
    assert "recovery from faults" in done.stdout
    found = json.loads(report.read_text())
    assert found["go"] is True
    assert found["buffers_left"] == 0, "by the leaks tracer"
    assert found["settings"]["fault_seed"] == 3
    assert found["limits"]["rss_growth_mb"] == 50
    assert len(found["faults"]) >= 2
    assert found["filmed"] == 1080
    assert [programme["delay_s"] for programme in found["programmes"]] == [2, 1]
    assert len(found["samples"]) > 10
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")


def test_a_soak_that_is_a_no_go(tmp_path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[soak]\nheld_ratio = 0.5\n")
    done = touchline("soak", "--hours", "0.002", "--delay", "1", "--config", limits, COLUMNS="120")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "NO-GO"
    assert [line for line in done.stdout.splitlines() if "no-go" in line and "memory held" in line]


def test_a_buffer_that_is_left_is_counted() -> None:
    """So the count can find something."""
    environment = {name: value for name, value in os.environ.items() if name != "GST_TRACERS"}
    done = subprocess.run(
        [sys.executable, "-c", _LEAK],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert int(said[1]) >= 3, "each share, and what it is a share of"
    assert int(said[3]) == 3
    assert said[4:] == ["then", "0"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--speed", "fast"], "max or live"),
        (["--hours", "0.001"], "longer than its delay"),
        (["--delay", "7", "--delay", "7"], "each but once"),
        (["--size", "30x20"], "in fours"),
        (["--config", "none.toml"], "can't be read"),
    ],
)
def test_wrong_usage_is_refused(monkeypatch, capsys, arguments, said) -> None:
    from touchline.cli import app

    monkeypatch.setattr(sys, "argv", ["touchline", "soak", *arguments])
    with pytest.raises(SystemExit) as leaving:
        app.main()
    assert leaving.value.code == 2
    assert said in capsys.readouterr().err


def test_wrong_usage_is_one_line() -> None:
    assert "max or live" in refused(touchline("soak", "--speed", "fast"), 2)


def test_an_interrupt_ends_early_and_reports(tmp_path) -> None:
    report = tmp_path / "soak.json"
    program = Path(sys.executable).with_name("touchline")
    process = subprocess.Popen(
        [program, "soak", "--hours", "24", "--report", report],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Memory:")
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (0, 1), err  # a machine that is busy may need more memory in so short a run
    assert out.startswith("Ended early:")
    found = json.loads(report.read_text())
    assert 0 < found["reached_s"] < 24 * 3600
    assert found["violations"] == {}
    assert found["pool_missing"] == 0
