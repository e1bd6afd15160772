"""The detector of the DeepStream way: tiles, nvinfer's tensors read through pyds, and what becomes of them."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import standins

from footage import write_numbered
from touchline.analysis.log import MotionLog
from touchline.capture import parse_source
from touchline.deepstream.capture import NvmmFeed
from touchline.deepstream.detector import (
    Found,
    TileDetector,
    decode_yolo,
    motion_of,
    tile_positions,
    without_doubles,
)
from touchline.deepstream.settings import DeepStreamSettings
from touchline.deepstream.tensors import load_pyds
from touchline.errors import ConfigurationError
from touchline.geometry import Panorama
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

PANORAMA = Panorama("equirectangular", 6528, 1632, -math.pi / 2, math.pi / 2, -math.pi / 8, math.pi / 8)
FRAMES = 20


@pytest.fixture
def pyds(monkeypatch):
    """A module of its names, over what the element that stands in for nvinfer has found."""
    module = standins.make_pyds()
    module.__spec__ = type(sys.__spec__)("pyds", None)
    monkeypatch.setitem(sys.modules, "pyds", module)
    standins.Infer.tensors.clear()
    with standins.installed():
        yield module


def settings(**detector) -> DeepStreamSettings:
    return DeepStreamSettings.model_validate({"detector": {"enabled": True, **detector}})


def test_the_objects_of_every_third_frame_come_with_their_time_and_place(pyds, tmp_path) -> None:
    footage = [write_numbered(tmp_path / f"{side}.mp4", FRAMES) for side in ("left", "right")]
    elements = settings(properties={"config_file_path": "net.txt"})
    seen: list[tuple[int, list[Found]]] = []
    failed: list[Exception] = []
    log = MotionLog()
    detector = TileDetector(
        PANORAMA,
        log,
        elements,
        holds=True,
        on_found=lambda pts, found: seen.append((pts, found)),
        on_failed=failed.append,
    )
    feed = NvmmFeed(tuple(map(parse_source, map(str, footage))), elements, (6528, 1632), paced=False)
    feed.open(system_clock())
    feed.add_branch(detector)
    feed.ask_depth(FRAMES + 4)
    feed.start(system_clock())
    moments = []
    while not feed.finished:
        moments.append(feed.next(0.1))
    network = next(
        one for one in feed._pipeline.gst.iterate_recurse() if one.get_factory().get_name() == "nvinfer"
    )
    assert log.wait_for(18 * SECOND // 30, 5)
    feed.stop()
    detector.stop()
    assert failed == []
    assert network.get_property("batch-size") == 6
    assert network.get_property("config-file-path") == "net.txt"
    assert network.get_property("output-tensor-meta")
    assert len([moment for moment in moments if moment]) == FRAMES
    # Tile 2 begins at 192 + 2 * 1024; what stands in for the network puts one object at (100 + number, 200) of it.
    number = {pts: round(pts * 30 / SECOND) for pts, _ in seen}
    assert list(number.values()) == [0, 3, 6, 9, 12, 15, 18]
    for pts, found in seen:
        assert [(one.x, one.y, one.width, one.height, one.label) for one in found] == [
            (192 + 2048 + 100 + number[pts], 304 + 200, 40, 80, 1)
        ]
        assert found[0].score == pytest.approx(0.9)
    motions = log.between(0, SECOND)
    yaw, pitch = PANORAMA.pixels_to_angles(2340 + 18, 504)
    assert math.radians(motions[-1].yaw_deg) == pytest.approx(float(yaw))
    assert math.radians(motions[-1].pitch_deg) == pytest.approx(float(pitch))
    assert motions[-1].amount == pytest.approx(40 * 80 / (6528 * 1632))


def test_without_pyds_it_is_said_what_to_do(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "pyds", raising=False)
    with pytest.raises(ConfigurationError, match=r"pyds, which is not installed.*enabled = false"):
        load_pyds()


def test_a_decoder_that_raises_ends_the_detector_and_nothing_else(pyds) -> None:
    failed: list[Exception] = []
    log = MotionLog()

    def broken(_output, _threshold):
        raise ValueError("no such layer")

    detector = TileDetector(PANORAMA, log, settings(), holds=True, decode=broken, on_failed=failed.append)
    network = detector.elements(standins.Gst.Caps.from_string(standins.nvmm("NV12")))[-2]
    buffer = standins.Gst.Buffer.new()
    buffer.pts = 5
    standins.Infer.tensors[5] = [standins.output_for(1, tile) for tile in range(6)]
    pad = network.get_static_pad("src")
    pad.set_active(True)
    pad.push_event(standins.Gst.Event.new_stream_start("x"))
    pad.push(buffer)
    assert [str(error) for error in failed] == ["no such layer"]
    assert log.closed


def test_tiles_lie_beside_each_other_in_the_middle_unless_they_are_named() -> None:
    assert tile_positions(settings().detector, PANORAMA) == [(192 + 1024 * place, 304) for place in range(6)]
    named = settings(positions=[[0, 434], [700, 434]]).detector
    assert tile_positions(named, PANORAMA) == [(0, 434), (700, 434)]


@pytest.mark.parametrize("turned", [False, True])
def test_an_output_is_read_whichever_way_it_lies(turned) -> None:
    output = np.zeros((1, 6, 40), np.float32)
    output[0, :, 7] = 10, 20, 30, 40, 0.7, 0.1
    output[0, :, 9] = 50, 60, 5, 6, 0.1, 0.39
    given = output.transpose(0, 2, 1) if turned else output
    (one,) = decode_yolo(given, 0.4)
    assert (one.x, one.y, one.width, one.height, one.label) == (10, 20, 30, 40, 0)
    assert one.score == pytest.approx(0.7)
    assert len(decode_yolo(given, 0.3)) == 2


def test_an_object_that_two_tiles_saw_counts_once() -> None:
    best, again = Found(100, 100, 40, 80, 0.9, 1), Found(105, 98, 38, 80, 0.6, 1)
    other_class, elsewhere = Found(102, 100, 40, 80, 0.5, 0), Found(300, 100, 40, 80, 0.5, 1)
    assert without_doubles([again, best, other_class, elsewhere]) == [best, other_class, elsewhere]


def test_nothing_found_is_no_movement() -> None:
    motion = motion_of([], PANORAMA, 7)
    assert (motion.pts_ns, motion.amount, motion.spread_deg) == (7, 0.0, 0.0)
    assert motion.yaw_deg == pytest.approx(0, abs=0.1)
