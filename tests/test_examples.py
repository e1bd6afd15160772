"""The examples do what they say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_two_pipelines_show_later_what_was_captured() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "two_pipelines.py"), "1", "2"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "CRITICAL" not in done.stderr
    *shown, last = done.stdout.strip().splitlines()
    stats = ast.literal_eval(last)
    assert 30 <= stats["frames_received"] <= 61
    assert stats["frames_sent"] + stats["frame_buffer_size"] == stats["frames_received"]
    assert stats["frames_sent"] >= 25
    assert stats["memory_type"] == "system"
    delays = [float(line.split()[-2]) for line in shown if line.startswith("frame ")]
    assert delays
    assert all(0.999 <= delay < 1.5 for delay in delays)
