"""A codec as a pipeline: buffers in, buffers out, each with the PTS of the one that it was made of."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.errors import TouchlineError
from touchline.gst.domains import Domain
from touchline.gst.elements import make
from touchline.gst.library import NONE, SECOND, Gst, GstVideo
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline
from touchline.gst.shares import share

_STUCK_S = 15.0  # a codec that is full and gives nothing for so long never will


@dataclass(frozen=True)
class Coded:
    """What came out: a buffer, its Gst.Caps, and the time and the duration, ns, of what went in for it."""

    buffer: Any
    caps: Any
    pts: int
    duration: int


class CodecPipeline:
    """One half of a codec, for one thread.

    Args:
        name: for messages.
        caps: Gst.Caps of what goes in.
        elements: the codec, to be linked in this order.
        holds: buffers that it may keep before the first comes out.
        domain: whose memory the frames lie in; None: plain memory.

    Attributes:
        lost: buffers that went in and for which nothing came out.
        open: more may be put in.
    """

    def __init__(
        self, name: str, caps: Any, elements: list[Any], holds: int, domain: Domain | None = None
    ) -> None:
        self.name = name
        self.lost = 0
        self.open = True
        self._holds = holds
        self._inside: deque[tuple[int, int]] = deque()
        self._moved = time.monotonic()
        self._pipeline = Pipeline(name)
        if domain is not None:
            domain.prepare(self._pipeline.gst)
        self._source = make("appsrc", caps=caps, format="time", max_bytes=0)
        self._sink = make("appsink", sync=False, enable_last_sample=False)
        self._pipeline.add(self._source, *elements, self._sink)

    def start(self) -> None:
        """Lets it run. Raises TouchlineError if it refuses."""
        self._pipeline.play()

    @property
    def inside(self) -> int:
        """Buffers that are in the codec now."""
        return len(self._inside)

    @property
    def times(self) -> list[int]:
        """PTS of the buffers that are in the codec now, ns."""
        return [pts for pts, _ in self._inside]

    @property
    def has_room(self) -> bool:
        """True if another buffer may be put in without more than ``holds`` and one at work being inside."""
        return self.open and len(self._inside) <= self._holds

    @property
    def finished(self) -> bool:
        """True once the end was put in and all has come out."""
        return not self.open and bool(self._sink.get_property("eos"))

    def push(self, buffer: Any, pts: int, duration: int) -> None:
        """Puts a share in that belongs to the caller alone; its times are set."""
        buffer.pts, buffer.dts = pts, NONE
        buffer.duration = duration or NONE
        self._inside.append((pts, duration))
        self._moved = time.monotonic()
        self._source.emit("push-buffer", buffer)

    def pull(self, timeout_s: float) -> Coded | None:
        """The next buffer that is done; None if none came in time.

        Raises:
            TouchlineError: in one line, if the codec has failed, or holds back more than it may.
        """
        sample = self._sink.emit("try-pull-sample", int(timeout_s * SECOND))
        if self._pipeline.failed:
            raise TouchlineError(self._pipeline.failed)
        if sample is None:
            if self.finished:
                self._lose(len(self._inside))
            elif not self.has_room and time.monotonic() - self._moved > _STUCK_S:
                raise TouchlineError(
                    f"{self.name}: {self.inside} frames are in it and none has come out for {_STUCK_S:g} s; "
                    "choose another codec, or --hold reference"
                )
            return None
        self._moved = time.monotonic()
        # x264enc counts from an hour far away, and says so in its segment.
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, sample.get_buffer().pts)
        place = next((place for place, inside in enumerate(self._inside) if inside[0] == pts), None)
        if place is None:
            raise TouchlineError(f"{self.name}: a frame of {pts} ns came out, and none went in")
        self._lose(place)
        return Coded(sample.get_buffer(), sample.get_caps(), *self._inside.popleft())

    def ask_for_key_frame(self) -> None:
        """The next frame that goes in becomes a key frame; for an encoder."""
        self._sink.send_event(GstVideo.video_event_new_upstream_force_key_unit(NONE, True, 0))

    def end(self) -> None:
        """Nothing more comes; what is inside will still come out."""
        self.open = False
        self._source.emit("end-of-stream")

    def stop(self) -> None:
        """Lets go of everything."""
        self.open = False
        self._pipeline.stop()

    def _lose(self, count: int) -> None:
        for _ in range(count):
            self._inside.popleft()
        self.lost += count


def is_key(buffer: Any) -> bool:
    """True if decoding can begin at this buffer of a bitstream."""
    return not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)


def tight(coded: Coded) -> Any:
    """The bitstream in a header of ours with the frame's PTS, in memory hardly larger than it is.

    Some encoders lend a piece of a buffer that could hold the raw frame: held, it would cost as much as that.
    """
    size, _, allocated = coded.buffer.get_sizes()
    if allocated > size + size // 4:
        data = coded.buffer.extract_dup(0, size)
        header = Gst.Buffer.new_wrapped(data)
        header.set_flags(coded.buffer.get_flags() & Gst.BufferFlags.DELTA_UNIT)
    else:
        header = share(coded.buffer)
    header.pts, header.dts = coded.pts, NONE
    header.duration = coded.duration or NONE
    return header


def copy_picture(coded: Coded, out: Nv12) -> None:
    """Copies a decoded picture, NV12 or I420, into NV12: samples are moved, never changed.

    No videoconvert, which would recalculate them wherever the two ends name their colours or sitings differently.

    Raises:
        TouchlineError: for another size or format.
    """
    info = GstVideo.VideoInfo.new_from_caps(coded.caps)
    planar = info is not None and info.finfo.format == GstVideo.VideoFormat.I420
    known = planar or (info is not None and info.finfo.format == GstVideo.VideoFormat.NV12)
    if not known or (info.width, info.height) != (out.width, out.height):
        raise TouchlineError(f"the decoder gives {coded.caps.to_string()}, not {out.width}x{out.height}")
    meta = GstVideo.buffer_get_video_meta(coded.buffer)
    strides, offsets = (meta.stride, meta.offset) if meta else (info.stride, info.offset)
    mapped, memory = coded.buffer.map(Gst.MapFlags.READ)
    if not mapped:
        raise TouchlineError("a decoded frame can't be mapped")
    try:
        if planar:
            data = np.frombuffer(memory.data, dtype=np.uint8)
            shape = (out.height // 2, out.width // 2)
            out.y[:] = np.lib.stride_tricks.as_strided(data[offsets[0] :], out.y.shape, (strides[0], 1))
            for part in (1, 2):
                plane = np.lib.stride_tricks.as_strided(data[offsets[part] :], shape, (strides[part], 1))
                out.uv[..., part - 1] = plane
        else:
            picture = Nv12.over(memory.data, out.width, out.height, tuple(strides[:2]), tuple(offsets[:2]))
            out.copy_from(picture)
    finally:
        coded.buffer.unmap(memory)
