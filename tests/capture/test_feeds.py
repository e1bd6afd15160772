"""Feeds: two cameras as one, what happens when one of them goes, and pictures that are drawn."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest

from footage import free_port, number_of, write_numbered
from senders import send
from touchline.capture.feeds import CameraFeed, waiting_pictures
from touchline.capture.frames import SourceInfo
from touchline.capture.uris import parse_source
from touchline.errors import ConfigurationError, InputError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock


def read_all(feed: CameraFeed) -> list[tuple[int, ...]]:
    """The numbers in the pictures of every moment, until the feed has finished."""
    found = []
    until = time.monotonic() + 30
    while not feed.finished and time.monotonic() < until:
        moment = feed.next(0.2)
        if moment is not None:
            numbers = []
            for picture in moment.pictures:
                assert picture is not None
                with picture.read() as planes:
                    numbers.append(int(number_of(planes.y)))
            found.append(tuple(numbers))
    return found


@pytest.mark.parametrize("paced", [False, True])
def test_two_files_come_as_pairs(tmp_path: Path, paced: bool) -> None:
    left = write_numbered(tmp_path / "left.mp4", 30)
    right = write_numbered(tmp_path / "right.mkv", 24, Fraction(30), (160, 90))
    feed = CameraFeed((parse_source(str(left)), parse_source(str(right))), paced=paced)
    infos = feed.open(system_clock())
    assert [(info.width, info.height) for info in infos] == [(320, 180), (160, 90)]
    feed.start(system_clock())
    assert read_all(feed) == [(n, n) for n in range(24)]
    feed.stop()
    assert feed.failure is None
    # The longer one is not read to its end, but what was read of it is accounted for.
    assert feed.captured[1] == 24
    assert feed.captured[0] - 24 == feed.dropped.total


def test_a_limit_ends_the_footage(tmp_path: Path) -> None:
    path = parse_source(str(write_numbered(tmp_path / "film.mp4", 60)))
    feed = CameraFeed((path, path), paced=False, limit_ns=SECOND // 2)
    feed.open(system_clock())
    feed.start(system_clock())
    assert read_all(feed) == [(n, n) for n in range(15)]
    feed.stop()
    assert feed.failure is None


def test_a_camera_that_is_not_there_is_refused_while_the_other_is_open(tmp_path: Path) -> None:
    film = write_numbered(tmp_path / "film.mp4", 120)
    port = free_port()
    sender = send(film, port)
    uris = parse_source(f"udp://127.0.0.1:{port}"), parse_source("rtsp://127.0.0.1:9/none")
    feed = CameraFeed(uris, paced=True)
    try:
        with pytest.raises(InputError, match="right input rtsp"):
            feed.open(system_clock())
    finally:
        feed.stop()
        sender.kill()
        sender.wait()


def test_a_file_and_a_stream_have_no_time_in_common(tmp_path: Path) -> None:
    film = parse_source(str(write_numbered(tmp_path / "film.mp4", 5)))
    with pytest.raises(ConfigurationError, match="nothing in common"):
        CameraFeed((film, parse_source("udp://127.0.0.1:5000")), paced=True)


def test_waiting_pictures_are_bounded_in_time_and_memory() -> None:
    assert waiting_pictures(SourceInfo(1280, 720, Fraction(30))) == 30
    assert waiting_pictures(SourceInfo(1280, 720, Fraction(60))) == 60
    large = SourceInfo(3840, 2160, Fraction(60))
    assert waiting_pictures(large) * large.width * large.height * 3 // 2 <= 128_000_000
    assert waiting_pictures(SourceInfo(640, 360, Fraction(0))) == 30
