"""Live cameras that go and come back, through real pipelines: what is in the pictures says which frames were kept."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from footage import free_port, number_of, write_numbered
from senders import send, serve
from touchline.capture import revival
from touchline.capture.feeds import CameraFeed
from touchline.capture.uris import parse_source
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

Numbers = tuple[int | None, ...]
FRAME = SECOND // 30


class Watched:
    """A feed of live cameras, and everything that came out of it."""

    def __init__(self, *uris: str, silent_s: float = 60.0) -> None:
        self.notes: list[str] = []
        self.moments: list[tuple[Numbers, int]] = []
        self.feed = CameraFeed(
            tuple(map(parse_source, uris)), paced=True, silent_s=silent_s, on_note=self.notes.append
        )

    def start(self) -> None:
        self.feed.open(system_clock())
        self.feed.start(system_clock())

    def until(self, done: Callable[[], bool], timeout_s: float = 40) -> None:
        """Takes moments until something is so."""
        deadline = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline, (self.notes, self.feed.failure, self.moments[-3:])
            moment = self.feed.next(0.1)
            if moment is None:
                continue
            numbers = []
            for picture in moment.pictures:
                if picture is None:
                    numbers.append(None)
                    continue
                with picture.read() as planes:
                    numbers.append(int(number_of(planes.y)))
            self.moments.append((tuple(numbers), moment.pts))

    def until_more(self, wanted: Callable[[Numbers], bool], count: int) -> None:
        """Until so many more moments are as wanted."""
        begun = len(self.moments)
        self.until(lambda: sum(wanted(numbers) for numbers, _ in self.moments[begun:]) >= count)

    def of(self, side: int) -> list[int]:
        return [numbers[side] for numbers, _ in self.moments if numbers[side] is not None]

    def check_kept(self, side: int) -> None:
        """Each frame of the camera that stayed came out once, in order; and every one while it was alone.

        Where the cameras are half a frame apart, one may have no partner though both are there; and a machine that is
        too slow loses frames on the way. Both are counted.
        """
        name, dropped = ("left", "right")[side], self.feed.dropped
        numbers = self.of(side)
        assert all(a < b for a, b in pairwise(numbers)), "once each, in order"
        gone = numbers[-1] - numbers[0] + 1 - len(numbers)
        assert gone <= dropped[f"{name}_unpaired"] + dropped[f"{name}_overflow"], (
            "none is lost uncounted",
            dropped.as_dict(),
            self.moments,
        )
        for (before, _), (after, _) in pairwise(self.moments):
            if before[1 - side] is None and after[1 - side] is None and not dropped[f"{name}_overflow"]:
                assert (after[side] or 0) - (before[side] or 0) == 1, "none is left out"

    def check_times(self) -> None:
        assert all(a < b for (_, a), (_, b) in pairwise(self.moments)), "each later than the one before"

    def check_books(self, side: int) -> None:
        """What was captured has come out or was counted as lost."""
        name, dropped = ("left", "right")[side], self.feed.dropped
        lost = sum(dropped[f"{name}_{reason}"] for reason in ("unpaired", "overflow", "stopped"))
        assert self.feed.captured[side] == len(self.of(side)) + lost


def paired(numbers: Numbers) -> bool:
    return None not in numbers


def alone(numbers: Numbers) -> bool:
    return None in numbers


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numbered(tmp_path_factory.mktemp("film") / "film.mp4", 900)


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for child in started:
        child.kill()
        child.wait()


def kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def test_one_of_two_cameras_is_lost_and_comes_back_and_only_without_both_it_ends(
    film: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    """A camera that was silent for 10 s had ended the run, and the other one with it."""
    ports = free_port(), free_port()
    children.extend(send(film, port) for port in ports)
    watched = Watched(*(f"udp://127.0.0.1:{port}" for port in ports), silent_s=1.5)
    try:
        watched.start()
        watched.until_more(paired, 30)
        kill(children[1])
        watched.until_more(alone, 60)
        assert all(right is None for (_, right), _ in watched.moments[-50:])
        children.append(send(film, ports[1]))
        watched.until_more(paired, 30)
        assert not watched.feed.finished
        assert watched.feed.failure is None
        watched.check_kept(0)
        watched.check_times()
        lost = [i for i, (numbers, _) in enumerate(watched.moments) if alone(numbers)]
        for part in (watched.moments[: lost[0]], watched.moments[lost[-1] + 1 :]):
            apart = [right - left for (left, right), _ in part if left is not None and right is not None]
            assert not apart or max(apart) - min(apart) <= 5, (
                "senders' clocks settle, but the partners are of the same time"
            )
        assert [note.split("; ")[0] for note in watched.notes[:1]] == [
            f"right input udp://127.0.0.1:{ports[1]}: no picture for 1 s"
        ]
        assert len(watched.notes) == 2
        assert "right input" in watched.notes[1]
        assert ": back after " in watched.notes[1]
        for child in children:
            kill(child)
        watched.until(lambda: watched.feed.finished)
        failure = watched.feed.failure
        assert failure is not None
        assert failure.count("no picture for 1.5 s; is the camera on?") == 2
        assert all(str(port) in failure for port in ports)
        missing = sum(numbers[1] is None for numbers, _ in watched.moments)
        assert watched.feed.dropped["right_missing"] == missing
        watched.feed.stop()
        watched.check_books(0)
        watched.check_books(1)
    finally:
        watched.feed.stop()


def test_a_camera_whose_connection_breaks_is_opened_again(
    film: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server goes away; it is asked again and again until it is there."""
    monkeypatch.setattr(revival, "WAITS_S", (0.2, 0.4))
    ports = free_port(), free_port()
    children.extend(serve(film, port) for port in ports)
    watched = Watched(*(f"rtsp://127.0.0.1:{port}/cam" for port in ports))
    try:
        watched.start()
        watched.until_more(paired, 15)
        kill(children[0])
        watched.until_more(alone, 60)
        assert all(left is None for (left, _), _ in watched.moments[-40:])
        children.append(serve(film, ports[0]))
        watched.until_more(paired, 30)
        watched.check_kept(1)
        watched.check_times()
        assert watched.of(0)[-1] < watched.of(1)[-1], "its film began anew"
        assert [note.partition(":")[0] for note in watched.notes] == ["left input rtsp"] * 2
        assert "back after" in watched.notes[1]
        watched.feed.stop()
        watched.check_books(0)
        watched.check_books(1)
    finally:
        watched.feed.stop()


def test_a_single_live_source_comes_back_too(
    tmp_path: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a live stream was the end of the run."""
    monkeypatch.setattr(revival, "WAITS_S", (0.2, 0.4))
    port = free_port()
    children.append(serve(write_numbered(tmp_path / "short.mp4", 45), port))
    watched = Watched(f"rtsp://127.0.0.1:{port}/cam", silent_s=20)
    try:
        watched.start()
        watched.until(lambda: len(watched.moments) > 10 and watched.of(0)[-1] == 44)
        first = len(watched.moments)
        watched.until(lambda: len(watched.moments) > first + 20)
        again = watched.of(0)[first:]
        assert again == list(range(again[0], again[0] + len(again)))
        watched.check_times()
        assert not watched.feed.finished
    finally:
        watched.feed.stop()


def test_another_size_is_refused_and_the_right_one_taken_again(
    film: Path, tmp_path: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revival, "WAITS_S", (0.2, 0.4))
    small = write_numbered(tmp_path / "small.mp4", 400, size=(160, 90))
    ports = free_port(), free_port()
    children.extend(send(film, port) for port in ports)
    watched = Watched(*(f"udp://127.0.0.1:{port}" for port in ports))
    try:
        watched.start()
        watched.until_more(paired, 10)
        kill(children[1])
        children.append(send(small, ports[1]))
        watched.until(lambda: any("can't be used" in note for note in watched.notes))
        watched.until_more(alone, 40)
        refused = [note for note in watched.notes if note.endswith("can't be used")]
        assert len(refused) == 1, "said once, however often it is tried"
        assert "came back with 160x90 instead of 320x180" in refused[0]
        kill(children[2])
        children.append(send(film, ports[1]))
        watched.until_more(paired, 20)
        watched.check_kept(0)
        watched.check_times()
    finally:
        watched.feed.stop()


def test_stopping_does_not_wait_for_a_camera_that_is_gone(
    film: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revival, "WAITS_S", (0.01,))
    monkeypatch.setattr(revival, "_SILENT_S", 0.2)
    port = free_port()
    children.append(send(film, port))
    watched = Watched(f"udp://127.0.0.1:{port}")
    camera = watched.feed._cameras[0]
    watched.start()
    watched.until(lambda: len(watched.moments) > 5)
    kill(children[0])
    watched.until(lambda: camera.reopened >= 1)
    began = time.monotonic()
    watched.feed.stop()
    camera._thread.join(20)
    assert not camera._thread.is_alive()
    assert time.monotonic() - began < 8, "it was in the middle of an opening that takes 10 s"
    assert watched.feed.finished
