"""A detector in the DeepStream way: tiles of the panorama, cut by an element, through ``nvinfer``.

::

    queue -> [RGBA] -> tile batcher -> nvinfer -> fakesink
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.log import MotionLog
from touchline.analysis.motion import Motion
from touchline.counters import Durations
from touchline.deepstream.elements import bridge, build, set_if_named
from touchline.deepstream.settings import DeepStreamSettings, DetectorSettings
from touchline.deepstream.tensors import TileTensors, load_pyds, read_tensors
from touchline.geometry import Panorama
from touchline.gst.elements import make
from touchline.gst.library import Gst

_OVERLAP = 0.5  # two boxes of one class that share more than this of the smaller one are one object
_CENTRAL = (0.15, 0.85)


@dataclass(frozen=True)
class Found:
    """An object in the panorama.

    Attributes:
        x, y, width, height: of its box, in pixels of the panorama; x and y of its middle.
        score: 0 .. 1.
        label: number of its class.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    label: int


Decode = Callable[[NDArray[Any], float], list[Found]]


class TileDetector:
    """A branch of the capture that finds objects, and notes as movement where they are.

    Args:
        panorama: what is filmed.
        log: where it is noted; closed at the end.
        settings: the elements, and ``detector`` among them.
        holds: frames wait for it, as they may at fast pace.
        decode: makes objects, in pixels of a tile, of the network's last output layer and the least score; by default
            :func:`decode_yolo`.
        on_found: called with the PTS (ns) and the objects of each frame, in GStreamer's thread.
        on_failed: called with the exception if anything raises; the programme goes on without it.

    Raises:
        ConfigurationError, MissingElementError: without ``pyds``, or without the elements.
    """

    def __init__(
        self,
        panorama: Panorama,
        log: MotionLog,
        settings: DeepStreamSettings,
        *,
        holds: bool,
        decode: Decode | None = None,
        on_found: Callable[[int, list[Found]], None] = lambda _pts, _found: None,
        on_failed: Callable[[Exception], None],
    ) -> None:
        self.durations = Durations()
        self.observed = 0
        self._pyds = load_pyds()
        self._panorama = panorama
        self._log = log
        self._settings = settings
        self._positions = tile_positions(settings.detector, panorama)
        self._holds = holds
        self._decode = decode or decode_yolo
        self._on_found = on_found
        self._on_failed = on_failed
        self._frames = 0
        self._stopped = False

    def elements(self, caps: Any) -> list[Any]:
        wanted, panorama = self._settings.detector, self._panorama
        entry = make("queue", "detector-queue", max_size_buffers=1, max_size_bytes=0, max_size_time=0)
        if not self._holds:
            Gst.util_set_object_arg(entry, "leaky", "downstream")
        entry.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._choose)
        tiles = build("detector.tiles", wanted.tiles)
        set_if_named("detector", tiles, wanted.tiles_width, panorama.width)
        set_if_named("detector", tiles, wanted.tiles_height, panorama.height)
        network = build("detector", wanted, batch_size=len(self._positions), output_tensor_meta=True)
        way_out = network.get_static_pad("src")
        way_out.add_probe(Gst.PadProbeType.BUFFER, self._read)
        way_out.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._end)
        sink = make("fakesink", sync=False, async_=False, enable_last_sample=False)
        return [entry, *bridge(self._settings.converter, tiles, caps), tiles, network, sink]

    def start(self) -> None:
        """Nothing to do: it runs with the capture."""

    def stop(self) -> None:
        """Closes the log, so that nobody waits for it. May be called again."""
        self._stopped = True
        self._log.close()

    def _choose(self, _pad: Any, _info: Any) -> Any:
        self._frames += 1
        every = self._settings.detector.every
        return Gst.PadProbeReturn.OK if self._frames % every == 1 % every else Gst.PadProbeReturn.DROP

    def _read(self, _pad: Any, info: Any) -> Any:
        """Reads what hangs on a batch; called by GStreamer, into which nothing may be thrown."""
        if not self._stopped:
            try:
                with self.durations.measure():
                    buffer = info.get_buffer()
                    self._note(buffer.pts, read_tensors(self._pyds, buffer))
            except Exception as error:  # noqa: BLE001 - the programme goes on without it, and says so
                if not self._stopped:
                    self.stop()
                    self._on_failed(error)
        return Gst.PadProbeReturn.OK

    def _end(self, _pad: Any, info: Any) -> Any:
        """Nobody waits for what will not come; called by GStreamer."""
        if info.get_event().type == Gst.EventType.EOS:
            self._log.close()
        return Gst.PadProbeReturn.OK

    def _note(self, pts: int, tensors: Sequence[TileTensors]) -> None:
        found = [
            Found(x + one.x, y + one.y, one.width, one.height, one.score, one.label)
            for tile in tensors
            if tile.tile < len(self._positions) and tile.layers
            for x, y in [self._positions[tile.tile]]
            for one in self._decode([*tile.layers.values()][-1], self._settings.detector.threshold)
        ]
        found = without_doubles(found)
        newest = self._log.newest_pts
        if not self._log.closed and (newest is None or pts > newest):
            self._log.append(motion_of(found, self._panorama, pts))
        self.observed += 1
        self._on_found(pts, found)


def tile_positions(settings: DetectorSettings, panorama: Panorama) -> list[tuple[int, int]]:
    """The upper left corners of the tiles, in pixels, as the tile batcher cuts them.

    Without ``positions`` in the configuration: as many tiles as fit beside each other, in the middle, without gaps.
    """
    if settings.positions:
        return list(settings.positions)
    size = settings.tile_size
    count = max(1, panorama.width // size)
    left, top = (panorama.width - count * size) // 2, max(0, (panorama.height - size) // 2)
    return [(left + place * size, top) for place in range(count)]


def decode_yolo(output: NDArray[Any], threshold: float) -> list[Found]:
    """Objects of an output as YOLOv8 and later have it: rows of box (middle, size, in pixels) and class scores.

    Args:
        output: shape (4 + classes, n), or (n, 4 + classes), whichever side is the shorter one; a leading 1 is left out.
        threshold: the least score.
    """
    rows = np.asarray(output, dtype=np.float32)
    rows = rows.reshape(rows.shape[-2], rows.shape[-1])
    if rows.shape[0] < rows.shape[1]:
        rows = rows.T
    labels = rows[:, 4:].argmax(axis=1)
    scores = rows[np.arange(len(rows)), 4 + labels]
    chosen = np.nonzero(scores >= threshold)[0]
    found = []
    for (x, y, width, height), score, label in zip(
        rows[chosen, :4].tolist(), scores[chosen].tolist(), labels[chosen].tolist(), strict=True
    ):
        found.append(Found(x, y, width, height, score, label))
    return found


def without_doubles(found: Sequence[Found]) -> list[Found]:
    """The best of those that overlap, as tiles and networks give an object several times."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: -each.score):
        if all(one.label != other.label or _shared(one, other) <= _OVERLAP for other in kept):
            kept.append(one)
    return kept


def motion_of(found: Sequence[Found], panorama: Panorama, pts: int) -> Motion:
    """Where the objects are, as the director reads it: their middle by score, and how wide they stand.

    Without any: the middle of the panorama, with an amount of nothing.
    """
    if not found:
        yaw, pitch = panorama.pixels_to_angles(panorama.width / 2 - 0.5, panorama.height / 2 - 0.5)
        return Motion(pts, math.degrees(float(yaw)), math.degrees(float(pitch)), 0.0, 0.0)
    table = np.array([(one.x, one.y, one.score, one.width * one.height) for one in found])
    yaw, pitch = (np.degrees(angle) for angle in panorama.pixels_to_angles(table[:, 0], table[:, 1]))
    weights = table[:, 2] / table[:, 2].sum()
    low, high = np.quantile(yaw, _CENTRAL)
    amount = min(1.0, float(table[:, 3].sum()) / (panorama.width * panorama.height))
    return Motion(pts, float(weights @ yaw), float(weights @ pitch), float(high - low), amount)


def _shared(one: Found, other: Found) -> float:
    """The common area as a share of the smaller box."""
    wide = min(one.x + one.width / 2, other.x + other.width / 2) - max(
        one.x - one.width / 2, other.x - other.width / 2
    )
    tall = min(one.y + one.height / 2, other.y + other.height / 2) - max(
        one.y - one.height / 2, other.y - other.height / 2
    )
    smaller = min(one.width * one.height, other.width * other.height)
    return max(0.0, wide) * max(0.0, tall) / smaller if smaller > 0 else 0.0
