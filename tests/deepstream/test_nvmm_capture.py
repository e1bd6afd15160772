"""The capture of the DeepStream way, with elements that stand in for NVIDIA's."""

from __future__ import annotations

import ctypes
import gc
from fractions import Fraction
from pathlib import Path

import pytest
import standins
from surfaces import block_of

from footage import write_numbered
from touchline.capture import parse_source
from touchline.deepstream.capture import NvmmFeed
from touchline.deepstream.settings import DeepStreamSettings
from touchline.errors import ConfigurationError, InputError, MissingElementError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock

SIZE = (1200, 400)
FRAMES = 24


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("footage")
    return tuple(write_numbered(folder / f"{side}.mp4", FRAMES) for side in ("left", "right"))


@pytest.fixture
def elements():
    with standins.installed():
        yield
    gc.collect()


def settings(**tables) -> DeepStreamSettings:
    return DeepStreamSettings.model_validate(tables)


def feed_of(
    *names: str, notes: list[str] | None = None, paced: bool = False, limit_ns=None, **tables
) -> NvmmFeed:
    uris = tuple(parse_source(str(name)) for name in names)
    note = notes.append if notes is not None else lambda _: None
    return NvmmFeed(uris, settings(**tables), SIZE, paced=paced, limit_ns=limit_ns, on_note=note)


def drain(feed: NvmmFeed, most: int = 1000) -> list:
    moments = []
    while not feed.finished and len(moments) < most:
        moment = feed.next(0.1)
        if moment is not None:
            moments.append(moment)
    return moments


def numbers_of(moments) -> list[tuple[int, int, int]]:
    found = []
    for moment in moments:
        block = block_of(moment.pictures[0].buffer)
        found.append((block.left, block.right, moment.pts))
    return found


def test_files_are_batched_stitched_and_held_in_a_pool_of_the_depth_that_was_asked_for(
    elements, footage
) -> None:
    notes: list[str] = []
    feed = feed_of(*footage, notes=notes)
    infos = feed.open(system_clock())
    assert [(info.width, info.height, info.fps, info.live) for info in infos] == [(320, 180, 30, False)] * 2
    assert (feed.caps.width, feed.caps.height, feed.caps.fps) == (*SIZE, 30)
    assert "memory:NVMM" in feed.gst_caps.to_string()
    assert "NV12" in feed.gst_caps.to_string()
    assert feed.ask_depth(FRAMES + 2) == [f"pool: output-buffers raised from 4 to {FRAMES + 2}"]
    feed.start(system_clock())
    # All of them are held at once: with the stitcher's own eight surfaces the first numbers would be gone.
    moments = drain(feed)
    feed.stop()
    assert numbers_of(moments) == [(n, n, n * SECOND // 30) for n in range(FRAMES)]
    assert len({feed.domain.identity(moment.pictures[0].buffer) for moment in moments}) == FRAMES
    assert feed.failure is None
    assert feed.dropped.as_dict() == {}
    assert feed.captured == [FRAMES, FRAMES]
    # The stitcher takes RGBA only, and the decoders give NV12.
    assert {note.split(":")[0] for note in notes} == {"left", "right"}
    assert len(notes) == 2
    assert all("in another format" in note and "RGBA" in note for note in notes)


def test_a_pool_that_is_too_shallow_holds_the_capture_back_and_loses_nothing(elements, footage) -> None:
    feed = feed_of(*footage)
    feed.open(system_clock())
    feed.ask_depth(6)
    feed.start(system_clock())
    seen = []
    while not feed.finished:
        moment = feed.next(0.1)
        seen += numbers_of([moment] if moment else [])
        del moment
    feed.stop()
    assert [number for number, _, _ in seen] == list(range(FRAMES))


def test_a_converter_whose_pool_can_not_be_so_deep_is_refused(elements, footage) -> None:
    feed = feed_of(footage[0], converter={"element": "somebodyscamera"})
    with pytest.raises(
        ConfigurationError, match=r"can't have a pool of 30 frames.*no property 'output-buffers'"
    ):
        feed.ask_depth(30)
    feed.stop()


def test_sizes_and_times_of_the_batch_come_from_the_sources(elements, footage) -> None:
    feed = feed_of(*footage)
    feed.open(system_clock())
    mux = feed._pipeline.gst.get_by_name("mux")
    feed.stop()
    assert [mux.get_property(name) for name in ("width", "height", "batch-size")] == [320, 180, 2]
    assert mux.get_property("batched-push-timeout") == -1
    assert not mux.get_property("live-source")


def test_the_configuration_wins_over_what_we_would_set(elements, footage) -> None:
    feed = feed_of(
        *footage, mux={"element": "nvstreammux", "properties": {"width": 640, "batched_push_timeout": 7}}
    )
    feed.open(system_clock())
    mux = feed._pipeline.gst.get_by_name("mux")
    feed.stop()
    assert [mux.get_property(name) for name in ("width", "height", "batched-push-timeout")] == [640, 180, 7]


def test_a_file_in_plain_memory_gets_one_converter_and_it_is_said(elements, footage, monkeypatch) -> None:
    monkeypatch.setattr(standins.UriSource, "plain", True)
    notes: list[str] = []
    feed = feed_of(*footage, notes=notes)
    feed.open(system_clock())
    feed.ask_depth(FRAMES + 2)
    feed.start(system_clock())
    moments = drain(feed)
    feed.stop()
    assert [number for number, _, _ in numbers_of(moments)] == list(range(FRAMES))
    assert sorted(notes) == [  # once, although the pipeline was started twice: before the plan and with it
        f"{side}: its frames come in plain memory; nvvideoconvert makes RGBA in NVMM memory of them"
        for side in ("left", "right")
    ]


def test_another_decoder_stands_behind_a_parser(elements, footage) -> None:
    feed = feed_of(
        *footage, decoder={"element": "nvv4l2decoder", "properties": {"enable_max_performance": True}}
    )
    feed.open(system_clock())
    feed.ask_depth(FRAMES + 2)
    feed.start(system_clock())
    moments = drain(feed)
    feed.stop()
    assert [number for number, _, _ in numbers_of(moments)] == list(range(FRAMES))


def test_sensors_are_live_and_their_mode_is_asked_for(elements) -> None:
    feed = feed_of(
        "csi://0",
        "csi://1",
        paced=True,
        sensor={"width": 640, "height": 360, "fps": "60", "properties": {"sensor_mode": 2}},
    )
    clock = system_clock()
    infos = feed.open(clock)
    assert [(info.width, info.height, info.fps, info.live) for info in infos] == [(640, 360, 60, True)] * 2
    feed.ask_depth(30)
    mux = feed._pipeline.gst.get_by_name("mux")
    assert mux.get_property("live-source")
    assert mux.get_property("sync-inputs")
    assert mux.get_property("batched-push-timeout") == 16667
    base_time = feed.start(clock)
    found = numbers_of(drain(feed, 15))
    now = clock.get_time() - base_time
    feed.stop()
    for left, right, pts in found:
        assert left == right
        assert abs(pts - left * SECOND / 60) < 100
        assert pts < now
    first = found[0][0]
    assert [left for left, _, _ in found] == list(range(first, first + 15))


@pytest.mark.parametrize("late", [0, 1])
def test_a_sensor_that_begins_later_is_joined_with_frames_of_its_time(elements, monkeypatch, late) -> None:
    """The mux paired live frames as they came: a thread that was late by one made every batch of two times."""
    monkeypatch.setattr(standins.ArgusSource, "late_s", {late: 0.1})
    feed = feed_of("csi://0", "csi://1", paced=True, sensor={"width": 640, "height": 360})
    clock = system_clock()
    feed.open(clock)
    feed.ask_depth(20)
    feed.start(clock)
    found = numbers_of(drain(feed, 5))
    feed.stop()
    first = found[0][0]
    assert [(left, right) for left, right, _ in found] == [(n, n) for n in range(first, first + 5)]


def test_what_a_stand_in_finds_wrong_is_said_at_once(elements, monkeypatch) -> None:
    """Its assertion was printed and passed for OK: all that the capture could say was that nothing came."""
    monkeypatch.setattr(standins.ArgusSource, "late_s", {1: 0.1})
    feed = feed_of(
        "csi://0",
        "csi://1",
        sensor={"width": 640, "height": 360},
        mux={"element": "nvstreammux", "properties": {"sync_inputs": False}},
    )
    with pytest.raises(InputError, match="the batch joins frames of different times"):
        feed.open(system_clock())
    feed.stop()


def test_one_panorama_needs_no_batch(elements, footage) -> None:
    feed = feed_of(footage[0])
    feed.open(system_clock())
    assert (feed.caps.width, feed.caps.height) == (320, 180)
    feed.ask_depth(FRAMES + 2)
    feed.start(system_clock())
    moments = drain(feed)
    feed.stop()
    assert [number for number, _, _ in numbers_of(moments)] == list(range(FRAMES))
    assert feed.captured == [FRAMES]


def test_the_end_comes_where_it_is_asked_for(elements, footage) -> None:
    feed = feed_of(*footage, limit_ns=SECOND // 3)
    feed.open(system_clock())
    feed.ask_depth(FRAMES)
    feed.start(system_clock())
    assert [number for number, _, _ in numbers_of(drain(feed))] == list(range(10))
    feed.stop()


def test_cameras_of_two_sizes_are_refused_in_a_line(elements, footage, tmp_path) -> None:
    other = write_numbered(tmp_path / "other.mp4", 5, Fraction(30), (640, 360))
    feed = feed_of(footage[0], other)
    with pytest.raises(InputError, match=r"320x180 and 640x360.*\[deepstream.mux\]"):
        feed.open(system_clock())
    feed.stop()


def test_a_stream_and_a_file_do_not_go_together(elements, footage) -> None:
    with pytest.raises(ConfigurationError, match="nothing in common"):
        feed_of(footage[0], "csi://0")


def test_a_missing_element_is_named_with_the_table_to_name_another_in(footage) -> None:
    with (
        standins.installed("nvdsstitch"),
        pytest.raises(MissingElementError, match=r"'nvdsstitch'.*\[deepstream.stitcher\]"),
    ):
        feed_of(*footage)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"stitcher": {"properties": {"colour": 1}}},
            r"\[deepstream.stitcher\]: nvdsstitch has no property 'colour'",
        ),
        ({"stitcher": {"width": "pano-w"}}, r"\[deepstream.stitcher\]: nvdsstitch has no property 'pano-w'"),
        (
            {"mux": {"element": "nvstreammux", "properties": {"gpu_id": "first"}}},
            r"\[deepstream.mux\]: nvstreammux: gpu-id",
        ),
    ],
)
def test_a_property_that_is_not_there_is_named(elements, footage, tables, said) -> None:
    with pytest.raises(ConfigurationError, match=said):
        feed_of(*footage, **tables)


def test_everything_is_let_go_of(elements, footage) -> None:
    feed = feed_of(*footage)
    feed.open(system_clock())
    feed.ask_depth(FRAMES + 2)
    feed.start(system_clock())
    moments = drain(feed, 5)
    assert len(moments) == 5
    pool = feed._pipeline.gst.get_by_name("pool")
    feed.stop()
    del moments, feed
    gc.collect()
    held = [
        memory for memory in pool.slots.memories if ctypes.c_int32.from_address(hash(memory) + 8).value != 1
    ]
    assert len(held) <= 1  # an appsink remembers the last sample that it gave
