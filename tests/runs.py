"""Coded footage, and runs of the whole way of a frame, for the tests of this folder."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchline.cli import main
from touchline.cli.session import run_session
from touchline.config import load_config
from touchline.engine.books import stats_of
from touchline.engine.production import Production
from touchline.geometry import Panorama, Rig, View, ViewLimits, fit_panorama
from touchline.gst.elements import available
from touchline.synth import SyntheticMatch, read_code

SIZE = (640, 360)
# The command line, also where only the sources are.
PROGRAM = [sys.executable, "-m", "touchline"]
MEMORY = os.environ.get("TOUCHLINE_MEMORY", "system")  # that runs work in, see conftest.py
in_plain_memory = pytest.mark.skipif(MEMORY != "system", reason="this is about plain memory")
with_an_encoder_there = pytest.mark.skipif(
    MEMORY == "cuda" and not available("nvh264enc"),
    reason="frames can't wait encoded on a GPU without an encoder",
)


@dataclass(frozen=True)
class Coded:
    """A folder of coded footage and where its codes are."""

    folder: Path
    match: SyntheticMatch
    frames: int

    @property
    def inputs(self) -> dict[str, Any]:
        return {
            "left": str(self.folder / "left.mp4"),
            "right": str(self.folder / "right.mp4"),
            "rig": self.folder / "rig.json",
        }

    @property
    def panorama(self) -> Panorama:
        return fit_panorama(Rig.load(self.folder / "rig.json"))

    def over_code(self, side: int) -> View:
        """The view that is asked for to look at a code."""
        patch = self.match.code_patches[side]
        return View(patch.yaw_deg, patch.pitch_deg, 45.0)

    def reader_of_panorama(self) -> Callable[[np.ndarray], tuple[int | None, int | None]]:
        cells = [
            np.stack(self.panorama.angles_to_pixels(*patch.cell_angles()), axis=-1)
            for patch in self.match.code_patches
        ]
        return lambda y: (read_code(y, cells[0]), read_code(y, cells[1]))

    def reader_of_view(self, side: int, size: tuple[int, int]) -> Callable[[np.ndarray], int | None]:
        shown = ViewLimits(self.panorama, size[0] / size[1]).clamp(self.over_code(side))
        cells = shown.pixels_of(*self.match.code_patches[side].cell_angles(), *size)
        return lambda y: read_code(y, cells)


def run(**settings: Any) -> Production:
    """A run in this process; raises what it raises."""
    return run_session(load_config({"delay": 0.5, **settings}))


def run_in_time(
    check: Callable[[Production], None] = lambda _production: None, **settings: Any
) -> Production:
    """A run; live the first of up to three in which the machine came to every frame in time.

    Others keep it busy too, the tests beside this one among them: live, a frame that is not there when it is due is
    lost, and its run says so. The third is given back whatever it is like.

    Args:
        check: called after each run, in time or not, for what must hold of both.
        settings: of the run.
    """
    for _ in range(3):
        production = run(**settings, overwrite=True)
        check(production)
        frames = stats_of(production).frames
        if not frames.repeated and not frames.dropped:
            break
    return production


def times_are_kept(found: list[tuple[Any, int]], fps: Fraction, tick_ns: int = 1_000_000) -> bool:
    """True if frame i was shown at i / fps, to the tick of the container."""
    return all(abs(pts - round(i * 10**9 / fps)) <= tick_ns for i, (_, pts) in enumerate(found))


def touchline(
    *arguments: object, timeout_s: float = 90, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, **environment},
        check=False,
    )


def touchline_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line in this process: from the arguments to the exit code the same, but for seconds of start-up."""
    shown, told = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown), redirect_stderr(told):
        patch.setattr(sys, "argv", ["touchline", *map(str, arguments)])
        patch.setenv("TOUCHLINE_DEBUG", "")  # what --debug sets must not outlive it
        with pytest.raises(SystemExit) as leaving:
            main()
    return subprocess.CompletedProcess(sys.argv, leaving.value.code, shown.getvalue(), told.getvalue())


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line in which a command refused, after a look at how it did."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == code, (done.returncode, done.stderr)
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]
