"""A held frame is never written or copied: proven by the kernel, and by GStreamer's own word."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from footage import read_frames
from runs import SIZE, Coded, in_plain_memory

pytestmark = in_plain_memory  # the kernel guards its pages


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(Fraction(30))


def guarded_run(
    footage: Coded, view: str, out: Path, *fault: str, render: str = "panorama"
) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).with_name("guarded_run.py")
    told = {"GST_DEBUG": "GST_PERFORMANCE:5", "GST_DEBUG_NO_COLOR": "1", "TOUCHLINE_RENDER": render}
    return subprocess.run(
        [sys.executable, script, footage.folder, view, out, *fault],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def copies(done: subprocess.CompletedProcess[str], footage: Coded) -> int:
    """How often GStreamer says that it copied memory of a held frame's size (decoders copy theirs, of other sizes)."""
    frame_bytes = footage.panorama.width * footage.panorama.height * 3 // 2
    found = re.findall(r"memcpy (\d+) memory", done.stderr)
    return found.count(str(frame_bytes))


@pytest.mark.parametrize("view", ["panorama", pytest.param("follow", marks=pytest.mark.slow)])
def test_what_the_stitcher_wrote_is_what_is_shown_and_nobody_touches_it(
    footage: Coded, tmp_path, view: str
) -> None:
    out = tmp_path / "out.mp4"
    done = guarded_run(footage, view, out)
    assert done.returncode == 0, done.stderr[-2000:]
    books = json.loads(done.stdout.splitlines()[-1])
    assert books["same_memory"]
    assert books["shown"] == books["guarded"] == footage.frames
    assert books["foreign"] == 0, "a frame was allocated after the start"
    assert copies(done, footage) == 0
    if view == "panorama":
        found = read_frames(out, footage.reader_of_panorama())
        assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]


def test_pairs_are_held_by_the_same_rules(footage: Coded, tmp_path) -> None:
    """Copied once, when they are captured, by us; from then on nobody touches them."""
    out = tmp_path / "out.mkv"
    view = footage.over_code(0)
    asked = f"fixed:{view.yaw_deg},{view.pitch_deg},{view.fov_deg}"
    done = guarded_run(footage, asked, out, render="direct")
    assert done.returncode == 0, done.stderr[-2000:]
    books = json.loads(done.stdout.splitlines()[-1])
    assert books["same_memory"]
    assert books["shown"] == books["guarded"] == footage.frames
    assert books["foreign"] == 0, "a frame was allocated after the start"
    both = SIZE[0] * SIZE[1] * 3
    assert re.findall(r"memcpy (\d+) memory", done.stderr).count(str(both)) == 0
    found = read_frames(out, footage.reader_of_view(0, (1280, 720)))
    assert [number for number, _ in found] == list(range(footage.frames))


def test_writing_a_held_frame_would_be_noticed(footage: Coded, tmp_path) -> None:
    assert guarded_run(footage, "panorama", tmp_path / "out.mp4", "write").returncode == -signal.SIGSEGV


def test_memory_that_is_not_the_pool_s_would_be_noticed(footage: Coded, tmp_path) -> None:
    done = guarded_run(footage, "panorama", tmp_path / "out.mp4", "foreign")
    assert json.loads(done.stdout.splitlines()[-1])["foreign"] == footage.frames - 1


def test_copying_a_held_frame_would_be_noticed(footage: Coded, tmp_path) -> None:
    done = guarded_run(footage, "panorama", tmp_path / "out.mp4", "copy")
    books = json.loads(done.stdout.splitlines()[-1])
    assert not books["same_memory"]
    assert copies(done, footage) == footage.frames - 1
