"""The steps of docs/deepstream.md for a program of one's own, with elements that stand in for NVIDIA's."""

from __future__ import annotations

import gc
import re
import threading
from pathlib import Path

import pytest
import standins
from surfaces import block_of

import touchline
from counted import wait_until
from touchline.config import load_config, read_toml
from touchline.delay.element import register
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import system_clock

DOCS = Path(__file__).resolve().parents[2] / "docs" / "deepstream.md"
DELAY_S = 0.6
FRAMES = 24
SENSORS = " ".join(
    f"nvarguscamerasrc sensor-id={side} num-buffers={FRAMES} ! "
    "video/x-raw(memory:NVMM),width=640,height=360,framerate=30/1 ! nvvideoconvert ! "
    f"video/x-raw(memory:NVMM),format=RGBA ! queue ! mux.sink_{side}"
    for side in (0, 1)
)
STITCHED = (
    f"{SENSORS} nvstreammux name=mux batch-size=2 width=640 height=360 live-source=1 ! "
    "nvdsstitch panorama-width=1200 panorama-height=400"
)
POOL = "nvvideoconvert output-buffers=40 compute-hw=1 ! video/x-raw(memory:NVMM),format=NV12"
CAMERA = (
    "nvvideoconvert ! video/x-raw(memory:NVMM),format=RGBA ! "
    "nvdsvirtualcam name=vcam auto-follow=0 panorama-width=1200 panorama-height=400"
)


@pytest.fixture
def elements():
    standins.Camera.shown.clear()
    with standins.installed():
        yield
    gc.collect()


class Shown:
    """Notes what comes to a fakesink behind a clocksync: number, PTS and when."""

    def __init__(self, pipeline) -> None:
        self.seen: list[tuple[int, int, int]] = []
        self.ended = threading.Event()
        sink = pipeline.get_by_name("end")
        sink.get_static_pad("sink").add_probe(
            Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM, self._note
        )

    def _note(self, _pad, info):
        if info.type & Gst.PadProbeType.BUFFER:
            buffer = info.get_buffer()
            self.seen.append((block_of(buffer).left, buffer.pts, system_clock().get_time()))
        elif info.get_event().type == Gst.EventType.EOS:
            self.ended.set()
        return Gst.PadProbeReturn.OK

    def on_time(self, base: int) -> None:
        """Each once, in order, never early, and late no more than a busy machine makes it."""
        numbers = [number for number, _, _ in self.seen]
        assert numbers == list(range(numbers[0], numbers[0] + FRAMES))
        late = sorted(now - base - pts - round(DELAY_S * SECOND) for _, pts, now in self.seen)
        assert late[0] > -2_000_000
        assert late[FRAMES // 10] < 50_000_000


def play(text: str):
    pipeline = Gst.parse_launch(text)
    pipeline.use_clock(system_clock())
    return pipeline


def test_the_element_in_a_pipeline_s_text(elements) -> None:
    register()
    delay = f"touchlinedelay delay={round(DELAY_S * SECOND)}"
    pipeline = play(f"{STITCHED} ! {POOL} ! {delay} ! {CAMERA} ! fakesink name=end sync=false")
    shown = Shown(pipeline)
    pipeline.set_state(Gst.State.PLAYING)
    assert shown.ended.wait(10)
    shown.on_time(pipeline.get_base_time())
    pipeline.set_state(Gst.State.NULL)


def two_pipelines(before_the_appsink: str):
    capture = play(
        f"{STITCHED} ! {before_the_appsink} appsink name=sink sync=false max-buffers=2 emit-signals=true"
    )
    playback = play(f"appsrc name=src ! {CAMERA} ! clocksync ! fakesink name=end sync=false")
    manager = touchline.NVMMBufferManager(DELAY_S, 30)
    said: list[str] = []
    manager.set_emergency_shutdown_callback(said.append)
    manager.set_elements(playback.get_by_name("src"), None, playback)
    capture.get_by_name("sink").connect("new-sample", manager.on_new_sample)
    return capture, playback, manager, said


def test_the_drop_in_between_two_pipelines(elements) -> None:
    capture, playback, manager, said = two_pipelines(f"{POOL} !")
    playback.get_by_name("src").set_property(
        "caps",
        Gst.Caps.from_string("video/x-raw(memory:NVMM),format=NV12,width=1200,height=400,framerate=30/1"),
    )
    shown = Shown(playback)
    manager.start_buffer_thread()
    playback.set_state(Gst.State.PLAYING)
    capture.set_state(Gst.State.PLAYING)
    wait_until(system_clock().get_time(), round((DELAY_S + FRAMES / 30 + 0.6) * SECOND))
    assert manager.get_stats()["memory_type"] == "memory:NVMM"
    assert said == []
    shown.on_time(capture.get_base_time())
    manager.stop_buffer_thread()
    for pipeline in (capture, playback):
        pipeline.set_state(Gst.State.NULL)


def test_holding_the_stitcher_s_own_surfaces_is_told_instead_of_shown(elements) -> None:
    """Eight surfaces in turn, whatever their reference count: 210 references to them were no delay, and no warning."""
    capture, playback, manager, said = two_pipelines("")
    manager.start_buffer_thread()
    playback.set_state(Gst.State.PLAYING)
    capture.set_state(Gst.State.PLAYING)
    wait_until(system_clock().get_time(), SECOND)
    manager.stop_buffer_thread()
    for pipeline in (capture, playback):
        pipeline.set_state(Gst.State.NULL)
    assert len(said) == 1
    assert "its memory came round after 8 frames" in said[0]
    assert "nvvideoconvert output-buffers=" in said[0]


def test_the_configuration_of_the_page_can_be_read_and_says_the_defaults(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("TOUCHLINE_MEMORY", raising=False)
    text = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    file = tmp_path / "deepstream.toml"
    file.write_text(text)
    config = load_config({"left": "csi://0", "right": "csi://1"}, file)
    assert config.memory == "nvmm"
    found, default = config.deepstream, load_config({"left": "csi://0", "right": "csi://1"}).deepstream
    for table in ("sensor", "decoder", "mux", "stitcher", "converter", "camera", "encoder", "detector"):
        said, plain = getattr(found, table), getattr(default, table)
        differs = {name for name in type(said).model_fields if getattr(said, name) != getattr(plain, name)}
        assert differs <= {"properties", "positions", "tiles"}, table
    assert set(read_toml(file)["deepstream"]) == set(type(found).model_fields)
