"""The capture of the DeepStream way: two cameras, batched and stitched by NVIDIA's elements, or one panorama.

::

    left  ! queue -> mux.sink_0 -+
    right ! queue -> mux.sink_1 -+-> stitcher -> pool -> NV12 in NVMM memory -> tee -> queue -> appsink  ==> the store
    or one panorama  ----------------------------^                              tee -> an observer's branch

The pool is ``nvvideoconvert output-buffers=N``, N from the plan: a pool that is as deep as it says, and that NV12 in
place of RGBA makes less than half as large. The stitcher gets its few surfaces back at once: such elements write over
them in turn, whoever holds them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any, Protocol

from touchline.capture import Moment, SourceInfo, SourceUri
from touchline.capture.frames import BufferPicture
from touchline.counters import Tally
from touchline.deepstream.elements import build, joined, nvmm_caps, set_if_named, takes
from touchline.deepstream.settings import DeepStreamSettings
from touchline.deepstream.sources import NvmmSource
from touchline.errors import ConfigurationError, InputError
from touchline.gst.caps import PlaneLayout, VideoCaps, colorimetry, frame_rate, packed_bytes
from touchline.gst.depth import raise_depth
from touchline.gst.domains import NvmmDomain
from touchline.gst.elements import has_property, make, set_property
from touchline.gst.library import MILLISECOND, NONE, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.secrets import Secrets

_DEPTH = "output-buffers"
_OPEN_S = 20.0
_CONVERTED, _STITCHED = 4, 8  # surfaces of a converter, as documented, and of the stitchers that we know of
_START_IN = 50 * MILLISECOND
_WAITING = 4  # frames between the pipeline and the intake
_LIVE_PATIENCE_S = 1.0  # a machine that is held up for so long loses nothing
_LOOK_S = 0.1
_LIVE_TIMEOUT_US = 40_000  # for the second picture of a batch, where the rate is not known


class Branch(Protocol):
    """Something that looks at the frames beside the store."""

    def elements(self, caps: Any) -> list[Any]:
        """Its elements, in this order; the first takes frames of these caps and never holds up the others."""


class NvmmFeed:
    """Delivers stitched panoramas in NVMM memory; a :class:`~touchline.capture.Feed`.

    Args:
        uris: left and right, or one panorama.
        settings: the elements.
        size: width and height of the panorama that is to be stitched.
        paced: files come at their own speed, and what finds no room is dropped; otherwise they wait.
        limit_ns: frames from this running time on are left out; None: all.
        on_note: told, one line at a time, what a person should know.

    Attributes:
        caps: of the panoramas; known after :meth:`open`.
        gst_caps: the same as they came, with the memory's name.
        domain: of their memory.

    Raises:
        ConfigurationError: for elements or properties that are not there, or cameras that do not go together.
    """

    def __init__(
        self,
        uris: tuple[SourceUri, ...],
        settings: DeepStreamSettings,
        size: tuple[int, int],
        *,
        paced: bool,
        limit_ns: int | None = None,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        if len({uri.live for uri in uris}) > 1:
            raise ConfigurationError(
                "one camera is a file and the other a live stream; their times have nothing in common"
            )
        self.captured = [0] * len(uris)
        self.dropped = Tally()
        self.domain = NvmmDomain()
        self.caps = VideoCaps(2, 2, Fraction(0))
        self.gst_caps: Any = None
        self._uris = uris
        self._settings = settings
        self._size = size
        self._live = uris[0].live
        self._paced = paced
        self._limit_ns = limit_ns
        self._on_note = on_note
        self._infos: list[SourceInfo | None] = [None] * len(uris)
        self._inbox: queue.Queue[Moment] = queue.Queue(_WAITING)
        self._failure: str | None = None
        self._origin: int | None = None
        self._base_time = 0
        self._delivering = threading.Event()
        self._over = threading.Event()
        self._stopped = threading.Event()
        self._first = threading.Event()
        self._layout: PlaneLayout | None = None
        self._pipeline = Pipeline(
            "capture",
            error=InputError,
            on_error=self._failed,
            on_eos=self.end,
            secrets=Secrets(*(uri.text for uri in uris)),
        )
        self._build()

    @property
    def failure(self) -> str | None:
        return self._failure

    @property
    def finished(self) -> bool:
        return self._over.is_set() and self._inbox.empty()

    def open(self, clock: Any) -> list[SourceInfo]:
        self._base_time = clock.get_time()
        self._run()
        assert self._layout is not None
        size = self._layout.width, self._layout.height
        self.caps = VideoCaps(*size, self._rate(), colorimetry(self.gst_caps))
        return [info for info in self._infos if info is not None]

    @property
    def own_bytes(self) -> list[tuple[str, int]]:
        """About the memory that the elements before the pool take, by name; after :meth:`open`."""
        if len(self._uris) == 1:
            return []
        pictures = sum(packed_bytes("RGBA", info.width, info.height) for info in self._infos if info)
        stitched = packed_bytes("RGBA", self.caps.width, self.caps.height)
        return [("stitching", _CONVERTED * pictures + _STITCHED * stitched)]

    def add_branch(self, branch: Branch) -> None:
        """Lets somebody look at the frames too; between :meth:`open` and :meth:`ask_depth`."""
        elements = branch.elements(self.gst_caps)
        self._pipeline.gst.set_state(Gst.State.NULL)
        self._pipeline.add(*elements)
        self._pipeline.link(self._tee, elements[0])

    def ask_depth(self, frames: int) -> list[str]:
        """Makes the pool so deep, and starts anew with it; between :meth:`open` and :meth:`start`.

        Returns:
            What was asked of whom, in words.

        Raises:
            ConfigurationError: if the converter can't have so deep a pool.
            InputError: if nothing comes any more.
        """
        self._pipeline.gst.set_state(Gst.State.NULL)
        known = has_property(self._pool, _DEPTH)
        line = raise_depth(self._pool, frames)
        if not known or self._pool.get_property(_DEPTH) < frames:
            raise ConfigurationError(
                f"[deepstream.converter]: {self._settings.converter.element} can't have a pool of {frames} frames, in "
                f"which they wait: {line or f'it has no property {_DEPTH!r}'}"
            )
        self._first.clear()
        self._run()
        return [line] if line else []

    def start(self, clock: Any) -> int:
        if not self._live:
            self._base_time = clock.get_time() + _START_IN
            self._delivering.set()
            self._pipeline.play(self._base_time)
        self._delivering.set()
        return self._base_time

    def next(self, timeout_s: float) -> Moment | None:
        try:
            return self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def end(self) -> None:
        self._over.set()

    def stop(self) -> None:
        self._stopped.set()
        self._over.set()
        self._first.set()
        self._empty()  # somebody may wait for room
        self._pipeline.stop()
        self._empty()

    def _empty(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._inbox.get_nowait()
                self.dropped.add("stopped")

    def _build(self) -> None:
        settings, pipeline = self._settings, self._pipeline
        alone = len(self._uris) == 1
        last = self._source(0, "panorama", self._uris[0], "NV12").exit if alone else self._batch()
        # Whatever the stitcher makes becomes NV12, in a pool of our depth.
        self._pool = build("converter", settings.converter, "pool")
        held = make("capsfilter", caps=nvmm_caps("NV12"))
        self._tee = make("tee")
        self._sink = make(
            "appsink",
            max_buffers=2,
            sync=self._paced and not self._live,
            emit_signals=True,
            enable_last_sample=False,
        )
        self._pipeline.connect(self._sink, "new-sample", self._take)
        # A queue: an observer's branch may have to wait while frames go on.
        between = make("queue", max_size_buffers=1, max_size_bytes=0, max_size_time=0)
        pipeline.add(self._pool, held, self._tee, between, self._sink)
        pipeline.link(last, self._pool)

    def _batch(self) -> Any:
        """Both cameras, batched and stitched. Returns the last element."""
        settings, pipeline, (width, height) = self._settings, self._pipeline, self._size
        self._mux = build(
            "mux", settings.mux, "mux", batch_size=2, live_source=self._live, sync_inputs=self._live
        )
        stitcher = build("stitcher", settings.stitcher, left_source_id=0, right_source_id=1)
        for name, pixels in ((settings.stitcher.width, width), (settings.stitcher.height, height)):
            set_if_named("stitcher", stitcher, name, pixels)
        pipeline.add(self._mux, stitcher)
        format = "NV12" if takes(stitcher, nvmm_caps("NV12")) else "RGBA"
        for side, (name, uri) in enumerate(zip(("left", "right"), self._uris, strict=True)):
            way_in = self._mux.request_pad_simple(f"sink_{side}")
            source = self._source(side, name, uri, format)
            if way_in is None or not joined(source.exit.get_static_pad("src"), way_in):
                raise ConfigurationError(
                    f"[deepstream.mux]: {settings.mux.element} takes no frames on sink_{side}"
                )
        return stitcher

    def _source(self, side: int, name: str, uri: SourceUri, format: str) -> NvmmSource:
        return NvmmSource(
            self._pipeline, side, name, uri, self._settings, format, self._learn_source, self._on_note
        )

    def _run(self) -> None:
        """Goes to where the first frame is known: a file prerolls, a camera runs."""
        if self._pipeline.pause(_OPEN_S):
            sample = self._sink.emit("pull-preroll")
            if sample is None:
                raise InputError(f"{self._where}: there is no picture in it")
            self._learn(sample)
        else:
            self._pipeline.play(self._base_time)
            self._first.wait(_OPEN_S)
        failed = self._failure or self._pipeline.failed
        if failed or not self._first.is_set():
            raise InputError(failed or f"{self._where}: no picture came within {_OPEN_S:g} s")

    @property
    def _where(self) -> str:
        return " and ".join(uri.shown for uri in self._uris)

    def _rate(self) -> Fraction:
        """Panoramas come as often as the slower camera's pictures; 0 if nobody says."""
        rates = [info.fps if info else Fraction(0) for info in self._infos]
        return min(rates) if all(rates) else frame_rate(self.gst_caps)

    def _learn_source(self, side: int, info: SourceInfo) -> None:
        """What a camera gives decides what the batch is. Called by GStreamer, before the batch sees a frame of it."""
        self._infos[side] = info
        if len(self._uris) == 1:
            return
        named = self._settings.mux.properties
        sizes = {(known.width, known.height) for known in self._infos if known is not None}
        if len(sizes) > 1 and "width" not in named:
            both = " and ".join(f"{width}x{height}" for width, height in sorted(sizes))
            self._failed(
                f"the cameras give {both}: a batch has one size; set width and height in [deepstream.mux]"
            )
            return
        timeout_us = round(1_000_000 / info.fps) if info.fps else _LIVE_TIMEOUT_US
        wanted = {"width": info.width, "height": info.height}
        # A file's batch waits for both pictures, a live one's as long as a frame lasts.
        wanted["batched-push-timeout"] = timeout_us if self._live else -1
        for name, value in wanted.items():
            if name not in named and has_property(self._mux, name):
                set_property(self._mux, name, value)

    def _learn(self, sample: Any) -> None:
        self.gst_caps = sample.get_caps()
        self._layout = PlaneLayout.from_caps(self.gst_caps)
        self._first.set()

    def _take(self, sink: Any) -> Any:
        """Called by GStreamer with every panorama; nothing may be thrown back into it."""
        try:
            return self._deliver(sink)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the capture, with a word about it
            self._failed(f"{self._where}: {type(error).__name__}: {error}")
            return Gst.FlowReturn.ERROR

    def _deliver(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        if not self._first.is_set():
            self._learn(sample)
        if not self._delivering.is_set() or self._over.is_set():
            return Gst.FlowReturn.OK
        buffer = sample.get_buffer()
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
        if pts == NONE:
            self._failed(f"{self._where}: its panoramas have no timestamps")
            return Gst.FlowReturn.ERROR
        if self._origin is None:
            self._origin = pts if self._live else 0
        if self._limit_ns is not None and pts - self._origin >= self._limit_ns:
            self.end()
            return Gst.FlowReturn.OK
        duration = 0 if buffer.duration == NONE else buffer.duration
        assert self._layout is not None
        self._put(Moment(pts, duration, (BufferPicture(buffer, self._layout, self.domain),)))
        return Gst.FlowReturn.OK

    def _put(self, moment: Moment) -> None:
        self.captured = [count + 1 for count in self.captured]
        patience_s = _LIVE_PATIENCE_S if self._paced else _LOOK_S
        while not self._stopped.is_set() and not self._placed(moment, patience_s):
            if self._paced:
                self.dropped.add("overflow")
                return

    def _placed(self, moment: Moment, patience_s: float) -> bool:
        try:
            self._inbox.put(moment, timeout=patience_s)
        except queue.Full:
            return False
        return True

    def _failed(self, message: str) -> None:
        if self._failure is None and not self._stopped.is_set():
            self._failure = message
        self.end()
        self._first.set()
