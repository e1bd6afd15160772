"""Recordings that were not started together: pairs are of one moment, by the numbers in the pictures."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage import free_port, number_of, pts_of, write_numbered
from senders import send
from touchline.capture.feeds import CameraFeed
from touchline.capture.uris import parse_source
from touchline.errors import ConfigurationError, InputError
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.pipelines import system_clock
from touchline.gst.sound import Samples

FPS = Fraction(30)


def films(
    folder: Path, later: int, kinds: tuple[str, str] = (".mp4", ".mp4"), frames: int = 60
) -> tuple[Path, Path]:
    """Two films with the numbers of the moments that they show; the right one begins ``later`` frames later."""
    return (
        write_numbered(folder / f"left{kinds[0]}", frames, FPS, first=max(0, -later)),
        write_numbered(folder / f"right{kinds[1]}", frames, FPS, first=max(0, later)),
    )


class Viewer:
    """Takes every moment of a feed: the numbers in its pictures and its time."""

    def __init__(self, left: Path | str, right: Path | str, offset_ns: int, **how) -> None:
        self.heard: list[tuple[int, int]] = []
        self.feed = CameraFeed(
            (parse_source(str(left)), parse_source(str(right))),
            offset_ns=offset_ns,
            on_sound=lambda side, pts, _samples: self.heard.append((side, pts)),
            **{"paced": False, **how},
        )
        self.moments: list[tuple[tuple[int, ...], int]] = []
        self.live = parse_source(str(left)).live
        self.waits: list[float] = []
        self.alone = 0  # moments that one of them had no picture of, after the first that had both
        self.base_time = 0

    def view(self, count: int | None = None, timeout_s: float = 30) -> list[tuple[tuple[int, ...], int]]:
        try:
            self.feed.open(system_clock())
            self.started = system_clock().get_time()
            self.base_time = self.feed.start(system_clock())
            until = time.monotonic() + timeout_s
            while not self.feed.finished and time.monotonic() < until and len(self.moments) != count:
                moment = self.feed.next(0.2)
                if moment is None:
                    continue
                numbers = []
                if None in moment.pictures:
                    assert self.live
                    self.alone += bool(self.moments)
                    continue
                for picture in moment.pictures:
                    with picture.read() as planes:
                        numbers.append(int(number_of(planes.y)))
                self.moments.append((tuple(numbers), moment.pts))
                self.waits.append((system_clock().get_time() - self.started) / SECOND)
        finally:
            self.feed.stop()
        # One of two live cameras may come later than the other, or, where much else runs, be held up for a moment.
        assert self.alone <= len(self.moments) / 2
        return self.moments


@pytest.mark.parametrize("later", [17, -17, 1, -1], ids=lambda n: f"{n:+d} frames")
@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".ts", ".avi", ".webm"])
def test_pairs_are_of_one_moment(tmp_path: Path, later: int, kind: str) -> None:
    """Every picture that both have once, none that only one of them has; times are the left one's."""
    viewer = Viewer(*films(tmp_path, later, (kind, kind)), pts_of(later, FPS))
    found = viewer.view()
    first = max(0, later)
    shared = 60 - abs(later)
    start = max(0, -later)  # the number in the left film's first picture
    assert [numbers for numbers, _ in found] == [(n, n) for n in range(start + first, start + first + shared)]
    assert viewer.feed.failure is None
    for (number, _), pts in found:
        assert abs(pts - pts_of(number - start, FPS)) < 2 * MILLISECOND
    assert viewer.feed.captured[0 if later < 0 else 1] <= 60
    left_over = viewer.feed.dropped.as_dict()
    ends = {f"{side}_{how}" for side in ("left", "right") for how in ("unpaired", "stopped")}
    assert set(left_over) <= ends, "only what one has at its end"
    assert sum(left_over.values()) <= abs(later)


@pytest.mark.parametrize("later", [50, -50])
def test_at_live_pace_the_first_moment_comes_at_once(tmp_path: Path, later: int) -> None:
    """Nobody waits for what only one of them has, no picture stands, and moments come as often as frames."""
    viewer = Viewer(*films(tmp_path, later, frames=80), pts_of(later, FPS), paced=True)
    found = viewer.view()
    first = max(later, -later)
    assert [numbers for numbers, _ in found] == [(n, n) for n in range(first, 80)]
    assert viewer.feed.dropped.as_dict().get("left_overflow", 0) == 0
    assert viewer.feed.dropped.as_dict().get("right_overflow", 0) == 0
    assert viewer.waits[0] < 0.9, "the first one was waited for"
    assert viewer.waits[-1] > 29 / 30 * 0.9, "they came faster than they were filmed"
    lags = [
        viewer.started + round(wait * SECOND) - viewer.base_time - pts
        for wait, (_, pts) in zip(viewer.waits, found, strict=True)
    ]
    assert min(lags) > -MILLISECOND, "before its time"


def test_less_than_half_a_frame_costs_no_picture(tmp_path: Path) -> None:
    """As two cameras have that share a clock but not a shutter."""
    for offset_ns in (9 * MILLISECOND, -9 * MILLISECOND):
        viewer = Viewer(*films(tmp_path, 0), offset_ns)
        assert [numbers for numbers, _ in viewer.view()] == [(n, n) for n in range(60)]
        assert viewer.feed.dropped.total == 0


def test_a_duration_counts_from_the_first_moment(tmp_path: Path) -> None:
    viewer = Viewer(*films(tmp_path, 17), pts_of(17, FPS), limit_ns=SECOND // 2)
    assert [numbers for numbers, _ in viewer.view()] == [(n, n) for n in range(17, 32)]


def test_recordings_that_share_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"left input .*it is 2\.0 s long, and by the rig's time offset"
    ) as caught:
        Viewer(*films(tmp_path, 0), 10 * SECOND).view()
    assert "time_offset_s" in str(caught.value)
    with pytest.raises(InputError, match="right input"):
        Viewer(*films(tmp_path, 0), -10 * SECOND).view()


def test_live_cameras_are_put_together_by_it_too(tmp_path: Path) -> None:
    """Cameras that run on while a feed without and then one with an offset looks at them."""
    ports = free_port(), free_port()
    film = write_numbered(tmp_path / "film.mp4", 400, FPS)
    senders = [send(film, port) for port in ports]
    left, right = (f"udp://127.0.0.1:{port}" for port in ports)
    apart = []
    try:
        for offset in (0, 15, -15):
            viewer = Viewer(left, right, pts_of(offset, FPS), paced=True, patience_s=2)
            found = viewer.view(20)
            assert len(found) == 20
            apart.append(int(np.median([numbers[1] - numbers[0] for numbers, _ in found])))
            assert all(pts >= 0 for _, pts in found)
    finally:
        for sender in senders:
            sender.kill()
            sender.wait()
    # What the right one shows is so much earlier or later than without. Each time they are opened anew, and a stream's
    # times are those of its arrival: to a few frames.
    assert abs(apart[1] - apart[0] + 15) <= 4
    assert abs(apart[2] - apart[0] - 15) <= 4


def test_live_cameras_are_not_seconds_apart() -> None:
    uris = parse_source("udp://127.0.0.1:5000"), parse_source("udp://127.0.0.1:5001")
    with pytest.raises(ConfigurationError, match=r"12\.500 s is that of two recordings"):
        CameraFeed(uris, paced=True, offset_ns=12_500 * MILLISECOND)


@pytest.mark.parametrize("paced", [False, True])
def test_sound_goes_with_its_pictures(tmp_path: Path, paced: bool) -> None:
    """Claps and flashes of both films: what is heard has the time of the moment that is seen."""
    from sounding import write_claps

    left = write_claps(tmp_path / "left.mkv", [30, 45], 75)
    right = write_claps(tmp_path / "right.mkv", [10, 25], 55)  # the same moments: 20 frames of 1/25 s later
    claps: dict[int, list[float]] = {0: [], 1: []}
    over = [threading.Event(), threading.Event()]  # not every sound is there when the last picture is

    def hear(side: int, pts: int, samples: Samples) -> None:
        for place in np.flatnonzero(np.abs(samples[:, 0].astype(int)) > 20000):
            claps[side].append(pts / SECOND + int(place) / 48000)

    feed = CameraFeed(
        (parse_source(str(left)), parse_source(str(right))),
        paced=paced,
        offset_ns=20 * SECOND // 25,
        on_sound=hear,
        on_sound_end=lambda side, _error: over[side].set(),
    )
    feed.open(system_clock())
    feed.start(system_clock())
    flashes = []
    until = time.monotonic() + 20
    while not feed.finished and time.monotonic() < until:
        moment = feed.next(0.2)
        if moment is None:
            continue
        levels = []
        for picture in moment.pictures:
            assert picture is not None
            with picture.read() as planes:
                levels.append(planes.y.mean() > 150)
        assert levels[0] == levels[1], "one picture flashes and the other does not"
        if levels[0]:
            flashes.append(moment.pts / SECOND)
    assert all(one.wait(20) for one in over)
    feed.stop()
    assert flashes == pytest.approx([30 / 25, 45 / 25], abs=0.001)
    assert claps[0] == pytest.approx(flashes, abs=0.002)
    assert claps[1] == pytest.approx(flashes, abs=0.002)
