"""A whole run whose right camera is lost and comes back: what is shown says so, frame by frame."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from footage import free_port, read_frames
from runs import PROGRAM, SIZE, Coded
from senders import serve
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match

FPS = Fraction(10)
SECONDS = 30.0  # longer than the run, whose start may take a while after a camera was opened


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> Coded:
    folder = tmp_path_factory.mktemp("match")
    drawn = SyntheticMatch(3, SIZE, FPS, codes=True)
    write_match(folder, drawn, SECONDS)
    return Coded(folder, drawn, round(SECONDS * FPS))


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for server in started:
        server.kill()
        server.wait()


class Run:
    """A run of the command line that is watched through its metrics."""

    def __init__(self, *arguments: object) -> None:
        self.child = subprocess.Popen(
            [*PROGRAM, "run", *map(str, arguments), "--metrics-port", "0"], stderr=subprocess.PIPE, text=True
        )
        assert self.child.stderr is not None
        self.said: list[str] = []
        for line in self.child.stderr:
            self.said.append(line)
            if line.startswith("Metrics:"):
                self.address = line.split()[1]
                return
        raise AssertionError("".join(self.said))

    def value(self, pattern: str) -> float:
        """The sum of the metrics that a pattern matches."""
        with urllib.request.urlopen(self.address, timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^touchline_{pattern} (\S+)$", text, re.MULTILINE))

    def wait_for(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 40
        while not done():
            assert time.monotonic() < deadline, "".join(self.said)
            time.sleep(0.1)


def test_one_camera_is_lost_and_comes_back(
    match: Coded, servers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """The run ended ten seconds after one of its cameras."""
    ports = free_port(), free_port()
    films = match.folder / "left.mp4", match.folder / "right.mp4"
    servers.extend(map(serve, films, ports))
    video, report = tmp_path / "programme.mkv", tmp_path / "report.json"
    run = Run(
        *("--left", f"rtsp://127.0.0.1:{ports[0]}/cam", "--right", f"rtsp://127.0.0.1:{ports[1]}/cam"),
        *("--rig", match.folder / "rig.json", "--delay", 1.5, "--duration", 16, "--view", "panorama"),
        *("--preset", "ultrafast", "--record", video, "--report", report),
    )
    try:
        stitched, missing = (
            r'frames_total{stage="stitched"}',
            r'frames_dropped_total{.*reason="right_missing".*}',
        )
        run.wait_for(lambda: run.value(stitched) >= 10)
        servers[1].kill()
        run.wait_for(lambda: run.value(missing) >= 25)
        servers.append(serve(films[1], ports[1]))
        _, said = run.child.communicate(timeout=60)
    finally:
        run.child.kill()
        run.child.wait()
    assert run.child.returncode == 0, said
    told = " ".join(said.split())
    assert told.count("it is tried again and again") == 1, said
    assert "right input rtsp://127.0.0.1" in told
    assert "back after" in told
    check_pictures(match, video, json.loads(report.read_text())["frames"])


def check_pictures(match: Coded, video: Path, frames: dict) -> None:
    read_codes = match.reader_of_panorama()
    patch = match.match.code_patches[1]
    columns, rows = match.panorama.angles_to_pixels(*patch.cell_angles())
    place = slice(int(rows.min()), int(rows.max())), slice(int(columns.min()), int(columns.max()))

    def look(y: np.ndarray) -> tuple[int | None, int | None, float]:
        return *read_codes(y), float(y[place].mean())

    shown = [picture for picture, _ in read_frames(video, look)]
    left = [one[0] for one in shown]
    assert all(number is not None for number in left), "the left camera is always there"
    steps = [b - a for a, b in pairwise(left) if a is not None and b is not None]
    lost = sum(count for reason, count in frames["dropped"].items() if not reason.endswith("right_missing"))
    assert set(steps) - {1} == set() or lost, "each frame of the camera that stayed, once and in order"
    assert min(steps) >= (0 if frames["repeated"] else 1)

    right = [number for _, number, _ in shown]
    bright = np.median([light for _, _, light in shown[:10]])
    dark = [light < 16 + (bright - 16) / 2 for _, _, light in shown]
    first, last = dark.index(True), len(dark) - dark[::-1].index(True)
    assert all(dark[first:last]), "dark from once to once"
    assert last - first >= 8
    frozen = right[first - 1]
    assert right[first - 8 : last] == [frozen] * (last - first + 8), (
        "its last picture, as it was for a second"
    )
    assert right[: right.index(frozen)] == sorted(set(right[: right.index(frozen)]))
    back = right[last:]
    assert len(back) > 10
    assert None not in back
    assert back == sorted(set(back)), "live again, from the beginning of its film"
    counted = sum(count for reason, count in frames["dropped"].items() if reason.endswith("right_missing"))
    assert counted >= 25
