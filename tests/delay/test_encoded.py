"""Frames that wait as a bitstream: every one comes back once, in order, at its time, within the planned bytes."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from footage import number_of, paint, pts_of
from touchline.delay.cues import Cue
from touchline.delay.encoded import DecodingWorker, EncodingWorker
from touchline.delay.encoded_codecs import (
    Codec,
    EncodingSettings,
    encoded_frame_bytes,
    encoded_window_bytes,
)
from touchline.delay.encoded_pipeline import Coded, copy_picture, is_key, tight
from touchline.delay.encoded_trial import choose_codec
from touchline.delay.frame import Frame
from touchline.delay.player import Player
from touchline.delay.store import FrameStore
from touchline.delay.timeline import FastTimeline, LiveTimeline
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.pools import FramePool
from touchline.gst.probes import PassageProbe

FPS = Fraction(30)
CAPS = VideoCaps(320, 180, FPS)
RAW, AHEAD, WINDOW = 8, 6, 60
SETTINGS = EncodingSettings("x264enc")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def wait_for(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


class Chain:
    """Raw store, encoder, window, decoder, decoded store."""

    def __init__(
        self,
        caps: VideoCaps = CAPS,
        settings: EncodingSettings = SETTINGS,
        *,
        window: int = WINDOW,
        history_ns: int = 0,
        codec: Codec | None = None,
    ) -> None:
        self.caps = caps
        self.codec = codec or choose_codec(caps, settings)
        self.failures: list[str] = []
        self.pool = FramePool(caps, RAW, "raw")
        self.pool.start()
        self.raw = FrameStore(RAW, self.pool.frame_bytes)
        self.window = FrameStore(window, encoded_frame_bytes(caps, settings), history_ns)
        self.encoder = EncodingWorker(self.raw, self.window, self.codec, on_failed=self._fail)
        self.made: list[DecodingWorker] = []
        self.pools = [self.pool]
        self.decoder = self.decoding()
        self.decoded = self.decoded_stores[0]

    def decoding(self, frames: int = AHEAD, **arguments: Any) -> DecodingWorker:
        pool = FramePool(self.caps, frames, "decoded")
        pool.start()
        store = FrameStore(frames, pool.frame_bytes)
        worker = DecodingWorker(self.window, store, pool, self.codec, on_failed=self._fail, **arguments)
        self.decoded_stores = [*getattr(self, "decoded_stores", []), store]
        self.made.append(worker)
        self.pools.append(pool)
        return worker

    def _fail(self, error: Exception) -> None:
        self.failures.append(str(error))

    def start(self) -> None:
        self.encoder.start()
        self.decoder.start()

    def capture(self, number: int, draw: Callable[[Nv12, int], None] = paint) -> None:
        buffer = self.pool.acquire(wait=True)
        with write_nv12(buffer, self.pool.layout) as picture:
            draw(picture, number)
        pts = pts_of(number, self.caps.fps)
        self.raw.append(buffer, pts, pts_of(number + 1, self.caps.fps) - pts)

    def capture_all(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            self.capture(number)

    def read(self, frame: Frame) -> tuple[int, int]:
        """The number in a frame, and its PTS; the buffer's own PTS has to be the same."""
        assert frame.buffer.pts == frame.pts
        with read_nv12(frame.buffer, self.pools[-1].layout) as picture:
            return number_of(picture.y), frame.pts

    def close(self) -> None:
        self.raw.end()
        for worker in (self.encoder, *self.made):
            worker.stop()
        for store in (self.raw, self.window, *self.decoded_stores):
            store.close()


@pytest.fixture
def chain():
    made: list[Chain] = []

    def make_chain(*args, **kwargs) -> Chain:
        made.append(Chain(*args, **kwargs))
        return made[-1]

    yield make_chain
    for each in made:
        each.close()
        gc.collect()
        assert [pool.stats().free for pool in each.pools] == [pool.frames for pool in each.pools]


@dataclass
class Viewer:
    """Takes frames out of a store in a thread until its end."""

    chain: Chain
    store: FrameStore

    def __post_init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.reader = self.store.reader("viewer")
        self.go = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.reader.at_end:
            self.go.wait()
            if self.reader.wait(0.05) is not None:
                frame = self.reader.take()
                if frame is not None:
                    self.seen.append(self.chain.read(frame))

    def finish(self, timeout_s: float = 30) -> list[tuple[int, int]]:
        self.go.set()
        self.thread.join(timeout_s)
        assert not self.thread.is_alive(), (len(self.seen), self.chain.failures)
        return self.seen


def numbered(numbers: range, fps: Fraction = FPS) -> list[tuple[int, int]]:
    return [(number, pts_of(number, fps)) for number in numbers]


@pytest.mark.parametrize("fps", [Fraction(25), FPS, Fraction(60000, 1001)])
def test_every_frame_comes_back_once_in_order_with_its_time(chain, fps: Fraction) -> None:
    c = chain(VideoCaps(320, 180, fps))
    viewer = Viewer(c, c.decoded)
    viewer.go.set()
    c.start()
    c.capture_all(150)
    c.raw.end()
    assert viewer.finish() == numbered(range(150), fps)
    assert c.decoder.wait(5)
    assert c.encoder.wait(5)
    assert (c.encoder.done, c.decoder.done) == (150, 150)
    assert c.encoder.dropped.total == c.decoder.dropped.total == 0
    assert c.failures == []


@pytest.mark.parametrize(
    "settings", [EncodingSettings("x264enc", key_every=1), EncodingSettings("openh264enc")]
)
def test_other_codecs_and_key_frames_only(chain, settings: EncodingSettings) -> None:
    c = chain(settings=settings)
    viewer = Viewer(c, c.decoded)
    viewer.go.set()
    c.start()
    c.capture_all(60)
    c.raw.end()
    assert viewer.finish() == numbered(range(60))


def test_a_duration_comes_back_too(chain) -> None:
    c = chain()
    reader = c.decoded.reader("test")
    c.start()
    c.capture_all(3)
    c.raw.end()
    assert c.decoder.wait(20)
    frames = [reader.take() for _ in range(3)]
    assert [frame.duration for frame in frames] == [33333333, 33333334, 33333333]
    assert [frame.buffer.duration for frame in frames] == [33333333, 33333334, 33333333]


def test_the_window_waits_as_a_bitstream_and_nothing_else_is_held(chain) -> None:
    c = chain(window=WINDOW)
    viewer = Viewer(c, c.decoded)  # does not look yet
    c.start()
    c.capture_all(WINDOW)
    assert wait_for(lambda: len(c.window) + len(c.decoded) + c.codec.holds + 2 >= WINDOW)
    assert wait_for(lambda: c.pool.stats().free == RAW), "no raw frame is held once it is encoded"
    assert len(c.decoded) == AHEAD, "decoded ahead as far as the pool allows, and no further"
    assert len(c.window) >= WINDOW - AHEAD - c.codec.holds - 2
    held = sum(frame.buffer.get_sizes()[2] for frame in c.window.held())
    assert held <= c.encoder.peak_bytes <= c.encoder.limit_bytes
    assert c.encoder.limit_bytes == encoded_window_bytes(c.caps, SETTINGS, WINDOW)
    c.raw.end()
    assert viewer.finish() == numbered(range(WINDOW))


def test_each_frame_comes_out_without_a_later_one(chain) -> None:
    """A decoder with threads by frames, or one that reorders, keeps frames back until later ones come."""
    c = chain()
    reader = c.decoded.reader("test")
    c.start()
    for number in range(20):
        c.capture(number)
        assert reader.wait(20) == pts_of(number, FPS)
        assert c.read(reader.take()) == (number, pts_of(number, FPS))


def test_noise_does_not_take_more_than_was_planned(chain) -> None:
    """What can't be compressed, after a quiet time: the encoder must keep to its rate, by quality, at once."""
    c = chain(window=40)
    grain = np.random.default_rng(5).integers(0, 256, (2, 180, 320 + 64), np.uint8)

    def noise(picture: Nv12, number: int) -> None:
        shift = number * 7 % 64
        picture.y[:] = grain[number % 2, :, shift : shift + 320]
        picture.uv[:] = picture.y[::2, ::2, None]

    reader = c.decoded.reader("test")
    c.start()
    for number in range(90):
        c.capture(number, lambda picture, _: picture.fill(100, 128, 128))
        assert reader.wait(20) is not None
        reader.take()
    # From here on nobody takes decoded frames: the window fills.
    for number in range(90, 125):
        c.capture(number, noise)
    assert wait_for(lambda: c.encoder.done == 125), c.encoder.dropped.as_dict()
    assert c.encoder.dropped.total == 0
    assert 0.3 * c.encoder.limit_bytes < c.encoder.peak_bytes <= c.encoder.limit_bytes


class Spendthrift(Codec):
    """An encoder that does not keep to the rate that was planned."""

    def encoder_elements(self) -> list[Any]:
        elements = super().encoder_elements()
        elements[0].set_property("bitrate", 20_000)
        return elements


def test_an_encoder_that_breaks_its_word_loses_frames_and_not_the_plan(chain) -> None:
    good = choose_codec(CAPS, SETTINGS)
    c = chain(codec=Spendthrift(**vars(good)), window=40)
    rng = np.random.default_rng(1)
    c.start()
    for number in range(60):
        c.capture(
            number, lambda picture, _: picture.y.__setitem__(..., rng.integers(0, 256, (180, 320), np.uint8))
        )
    c.raw.end()
    assert c.encoder.wait(20)
    assert c.encoder.dropped["over the plan"] > 0
    assert c.encoder.dropped["over the plan"] + c.encoder.done == 60
    assert c.encoder.peak_bytes <= c.encoder.limit_bytes
    assert sum(frame.buffer.get_sizes()[2] for frame in c.window.held()) <= c.encoder.limit_bytes


def test_a_full_window_holds_raw_frames_back(chain) -> None:
    c = chain(window=10)
    viewer = Viewer(c, c.decoded)
    c.start()
    c.capture_all(10 + AHEAD + RAW - 2)
    assert wait_for(lambda: len(c.window) == 10)
    assert c.window.peak_frames == 10
    viewer.go.set()
    c.capture_all(20, 10 + AHEAD + RAW - 2)
    c.raw.end()
    assert viewer.finish() == numbered(range(10 + AHEAD + RAW + 18))


def drawn(picture: Nv12, number: int) -> None:
    """Something like a match: slopes, edges, some grain, and a figure that moves; both chromas differ."""
    height, width = picture.y.shape
    rng = np.random.default_rng(7)
    luma = 60 + 90 * np.add.outer(np.linspace(0, 1, height), np.linspace(0, 1, width)) / 2
    luma += rng.normal(0, 1.5, luma.shape)
    luma[:, :: width // 16] = 200
    luma[40:80, 20 + 3 * number : 50 + 3 * number] = 220
    picture.y[:] = np.clip(luma, 16, 235)
    picture.uv[..., 0] = np.linspace(100, 150, width // 2)
    picture.uv[..., 1] = np.linspace(190, 80, height // 2)[:, None]


@pytest.mark.parametrize("colorimetry", ["bt709", "bt601"])
def test_the_picture_is_the_same_within_the_codecs_noise(chain, colorimetry: str) -> None:
    """No shift of range, matrix or siting: the mean of every plane stays, and the error is noise."""
    c = chain(VideoCaps(640, 360, FPS, colorimetry))
    reader = c.decoded.reader("test")
    c.start()
    wanted = Nv12.empty(640, 360)
    for number in range(20):
        c.capture(number, drawn)
        assert reader.wait(20) is not None
        frame = reader.take()
        drawn(wanted, number)
        with read_nv12(frame.buffer, c.pools[-1].layout) as found:
            for one, other in (
                (found.y, wanted.y),
                (found.uv[..., 0], wanted.uv[..., 0]),
                (found.uv, wanted.uv),
            ):
                assert psnr(one, other) > 36
                assert abs(float(one.mean()) - float(other.mean())) < 0.5


def test_a_dump_leaves_out_what_waits_and_goes_on_behind_it(chain) -> None:
    c = chain()
    viewer = Viewer(c, c.decoded)
    c.start()
    c.capture_all(40)
    assert wait_for(lambda: c.encoder.done == 40)
    c.decoder.skip(pts_of(40, FPS))
    c.capture_all(20, 40)
    c.raw.end()
    assert viewer.finish() == numbered(range(40, 60)), "the very next frame, though no key frame is there"
    assert c.decoder.dropped.as_dict() == {"skipped": 40}


def test_a_dump_of_a_window_that_was_cleared_goes_on_at_the_next_key_frame(chain) -> None:
    c = chain()
    viewer = Viewer(c, c.decoded)
    c.start()
    c.capture_all(40)
    assert wait_for(lambda: c.encoder.done == 40)
    assert wait_for(lambda: len(c.decoded) == AHEAD)
    cleared = c.window.clear()
    c.decoder.skip()
    c.capture_all(20, 40)
    c.raw.end()
    assert viewer.finish() == numbered(range(45, 60)), "key frames are 0, 15, 30, 45"
    dropped = c.decoder.dropped.as_dict()
    assert dropped["before a key frame"] == 5
    assert dropped["skipped"] + cleared == 40


def test_a_key_frame_can_be_asked_for(chain) -> None:
    c = chain()
    c.encoder.start()
    c.capture_all(5)
    assert wait_for(lambda: c.encoder.done == 5)
    c.encoder.key_frame_now()
    c.capture_all(5, 5)
    assert wait_for(lambda: c.encoder.done == 10)
    assert [n for n, frame in enumerate(c.window.held()) if is_key(frame.buffer)] == [0, 5]


def test_skipping_forwards_jumps_over_what_is_not_needed(chain) -> None:
    c = chain()
    c.encoder.start()
    c.capture_all(50)
    assert wait_for(lambda: c.encoder.done == 50)
    viewer = Viewer(c, c.decoded)
    c.decoder.start()
    assert wait_for(lambda: len(c.decoded) == AHEAD)
    c.decoder.skip(pts_of(33, FPS))
    c.raw.end()
    assert viewer.finish() == numbered(range(33, 50))
    assert c.decoder.dropped.as_dict() == {"skipped": 33}


def test_seeking_goes_back_into_the_history(chain) -> None:
    c = chain(history_ns=2 * SECOND)
    reader = c.decoded.reader("test")
    c.start()
    c.capture_all(50)
    taken = []
    while len(taken) < 30:
        assert reader.wait(20) is not None
        taken.append(c.read(reader.take()))
    c.decoder.seek(pts_of(20, FPS))
    c.raw.end()
    while not reader.at_end:
        if reader.wait(0.05) is not None:
            taken.append(c.read(reader.take()))
    assert taken == numbered(range(30)) + numbered(range(20, 50))
    with pytest.raises(TouchlineError, match="after the end"):
        c.decoder.seek(0)


def test_a_replay_out_of_the_history_runs_beside_the_programme(chain) -> None:
    c = chain(history_ns=2 * SECOND, window=120)
    viewer = Viewer(c, c.decoded)
    viewer.go.set()
    c.start()
    c.capture_all(60)
    assert wait_for(lambda: len(viewer.seen) == 60)
    first, last = pts_of(22, FPS), pts_of(37, FPS)
    replay = c.decoding(first_pts=first, last_pts=last, holds=False)
    watching = Viewer(c, c.decoded_stores[-1])
    replay.start()
    assert watching.finish() == numbered(range(22, 38))
    assert replay.wait(5)
    assert replay.dropped.total == replay.missed == 0
    c.capture_all(20, 60)
    c.raw.end()
    assert viewer.finish() == numbered(range(80))


def test_two_programmes_read_one_window(chain) -> None:
    c = chain()
    other = c.decoding()
    viewers = [Viewer(c, store) for store in c.decoded_stores]
    for viewer in viewers:
        viewer.go.set()
    c.start()
    other.start()
    c.capture_all(50)
    c.raw.end()
    assert [viewer.finish() for viewer in viewers] == [numbered(range(50))] * 2


class Programme:
    """A clocksync that paces, one delay after the capture, and what is seen behind it."""

    def __init__(self, chain: Chain, delay_ns: int) -> None:
        self.chain = chain
        self.seen: list[tuple[int, int]] = []
        self.pipeline = Pipeline("programme")
        self.source = make("appsrc", caps=CAPS.to_gst(), format="time", is_live=True, max_bytes=0)
        clocksync = make("clocksync")
        sink = make("appsink", sync=False, emit_signals=True, enable_last_sample=False)
        sink.connect("new-sample", self._read)
        self.pipeline.add(self.source, clocksync, sink)
        self.probe = PassageProbe(clocksync.get_static_pad("src"), system_clock())
        self.base = system_clock().get_time()
        self.pipeline.play(self.base + delay_ns)

    def show(self, cue: Cue) -> None:
        self.source.emit("push-buffer", cue.frame.buffer)

    def _read(self, sink: Any) -> Any:
        buffer = sink.emit("pull-sample").get_buffer()
        with read_nv12(buffer, self.chain.pools[-1].layout) as picture:
            self.seen.append((number_of(picture.y), buffer.pts))
        return Gst.FlowReturn.OK

    def finish(self) -> None:
        self.source.emit("end-of-stream")
        ended = self.pipeline.wait_eos(10)
        self.pipeline.stop()
        self.pipeline = self.source = None  # an appsink keeps its last sample until it is gone itself
        assert ended


def test_a_player_shows_decoded_frames_at_the_time_of_held_ones(chain) -> None:
    """One delay after their capture, through a real clocksync."""
    c = chain()
    delay_ns, frames = SECOND * 7 // 10, 40
    programme = Programme(c, delay_ns)
    timeline = LiveTimeline(system_clock(), programme.base, 100 * MILLISECOND)
    player = Player(c.decoded, timeline, programme.show, delay_ns=delay_ns, frame_ns=CAPS.frame_ns)
    c.start()
    player.start()
    for number in range(frames):
        left = programme.base + pts_of(number, FPS) - system_clock().get_time()
        time.sleep(max(0, left) / SECOND)
        c.capture(number)
    c.raw.end()
    player.wait(20)
    programme.finish()
    assert programme.seen == numbered(range(frames))
    passed = programme.probe.read()
    late_s = (passed[:, 1] - programme.base - delay_ns - passed[:, 0]) / SECOND
    assert late_s.min() >= 0
    assert np.median(late_s) < 0.02


def test_fast_pace_plays_when_the_encoded_window_is_full(chain) -> None:
    c = chain()
    ahead: list[int] = []
    seen: list[tuple[int, int]] = []

    def show(cue: Cue) -> None:
        ahead.append((c.window.newest_pts or 0) - cue.pts)
        seen.append(c.read(cue.frame))

    timeline = FastTimeline(c.window, WINDOW - 2)
    player = Player(c.decoded, timeline, show, delay_ns=SECOND, frame_ns=CAPS.frame_ns)
    c.start()
    player.start()
    c.capture_all(120)
    c.raw.end()
    assert player.wait(20)
    assert seen == numbered(range(120))
    assert min(ahead[:89]) >= SECOND, "shown only when the capture is one delay ahead"


class Fragile(Codec):
    """An encoder that fails after ten frames."""

    def encoder_elements(self) -> list[Any]:
        return [make("identity", "glass", error_after=10), *super().encoder_elements()]


def test_an_encoder_that_fails_says_so_in_one_line_and_ends_the_window(chain) -> None:
    good = choose_codec(CAPS, SETTINGS)
    c = chain(codec=Fragile(**vars(good)))
    viewer = Viewer(c, c.decoded)
    viewer.go.set()
    c.start()
    c.capture_all(12)
    seen = viewer.finish()
    assert seen == numbered(range(len(seen)))
    assert len(c.failures) == 1
    assert c.failures[0].startswith("encoding: ")
    assert "\n" not in c.failures[0]
    assert c.encoder.wait(5)
    assert wait_for(lambda: c.encoder.done + c.encoder.dropped.total >= 10)
    assert c.encoder.dropped.as_dict().keys() == {"failed"}


def test_what_is_underway_at_a_stop_is_counted(chain) -> None:
    c = chain()
    c.start()
    c.capture_all(40)
    assert wait_for(lambda: c.encoder.done == 40)
    assert wait_for(lambda: len(c.decoded) == AHEAD)
    c.encoder.stop()
    c.decoder.stop()
    assert c.decoder.done + c.decoder.dropped["stopped"] == 40
    assert c.encoder.dropped.total == 0


def used_and_closed() -> list[weakref.ref]:
    """References to everything that a chain was made of, which has run and was closed with frames in every part."""
    c = Chain()
    c.start()
    c.capture_all(20)
    c.raw.end()
    assert wait_for(lambda: len(c.decoded) == AHEAD and len(c.window) > 0)
    frames = [weakref.ref(frame.buffer) for frame in (*c.window.held(), *c.decoded.held())]
    assert len(frames) > AHEAD
    c.close()
    assert [pool.stats().free for pool in c.pools] == [RAW, AHEAD]
    return [*frames, weakref.ref(c.encoder), weakref.ref(c.decoder)]


def test_closing_lets_go_of_every_frame() -> None:
    references = used_and_closed()
    gc.collect()
    assert {reference() for reference in references} == {None}


def test_a_bitstream_in_a_large_buffer_is_put_into_a_small_one() -> None:
    """jpegenc lends the beginning of a buffer of the raw size: held, it would save nothing."""
    large = Gst.Buffer.new_allocate(None, 100_000, None)
    large.fill(0, b"abc")
    large.set_size(3)
    large.set_flags(Gst.BufferFlags.DELTA_UNIT)
    small = tight(Coded(large, None, 5, 7))
    assert (small.extract_dup(0, 3), small.get_sizes()[2], small.pts, small.duration) == (b"abc", 3, 5, 7)
    assert not is_key(small)


def test_decoded_nv12_is_copied_as_it_is() -> None:
    """No software decoder gives NV12, hardware does."""
    pool = FramePool(CAPS, 1)
    pool.start()
    buffer = pool.acquire()
    with write_nv12(buffer, pool.layout) as picture:
        drawn(picture, 3)
        found = Nv12.empty(CAPS.width, CAPS.height)
        wanted = Nv12.empty(CAPS.width, CAPS.height)
        wanted.copy_from(picture)
    copy_picture(Coded(buffer, CAPS.to_gst(), 0, 0), found)
    assert (found.y == wanted.y).all()
    assert (found.uv == wanted.uv).all()
    with pytest.raises(TouchlineError, match="not 64x64"):
        copy_picture(Coded(buffer, CAPS.to_gst(), 0, 0), Nv12.empty(64, 64))


@pytest.mark.parametrize(
    "wrong", [{"ratio": 1}, {"ratio": float("nan")}, {"key_every": 0}, {"threads": -1}, {"threads": 1000}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        EncodingSettings(**wrong)


def test_an_encoder_that_does_not_work_here_is_refused_with_a_reason() -> None:
    with pytest.raises(ConfigurationError, match="known are nvh264enc"):
        choose_codec(CAPS, EncodingSettings("jpegenc"))
    with pytest.raises(ConfigurationError, match=r"for holding frames of 5700x1900 .*install the packages"):
        choose_codec(VideoCaps(5700, 1900, FPS), EncodingSettings("openh264enc"))


def test_a_store_smaller_than_its_pool_is_refused(chain) -> None:
    c = chain()
    with pytest.raises(ValueError, match="5 frames can't take 6"):
        DecodingWorker(c.window, FrameStore(5), c.pools[1], c.codec)
