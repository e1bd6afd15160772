"""Frames that wait as a bitstream: about a fiftieth of the memory, at the price of an encoder and a decoder.

Three stores in a chain. Raw frames stay in a short one, from which the analysis reads the newest; the
:class:`EncodingWorker` takes each of them through an encoder into the store where the window waits; a
:class:`DecodingWorker` per programme decodes them, a few frames ahead, into a small store that an ordinary
player plays. Every frame keeps its PTS all the way, so the output's timing is that of frames held by reference.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from touchline.delay.encoded_codecs import Codec, encoded_window_bytes
from touchline.delay.encoded_pipeline import CodecPipeline, Coded, copy_picture, is_key, tight
from touchline.delay.encoded_worker import CodecWorker
from touchline.delay.frame import Frame
from touchline.delay.store import FrameStore
from touchline.errors import TouchlineError
from touchline.gst.mapping import write_nv12
from touchline.gst.pools import FramePool


class EncodingWorker(CodecWorker):
    """Takes every raw frame through the encoder into the store of the window.

    The encoder keeps to its rate, so the window keeps to its plan. Should it not, the rest of a group of pictures is
    left out and counted ("over the plan"): what was planned is never exceeded. If the window has no place for one more
    frame, raw frames wait, and with them whoever makes them.

    Args:
        raw: read by a reader that holds.
        encoded: gets the bitstream, one buffer per frame with the frame's PTS.
        codec: see :func:`touchline.delay.encoded_trial.choose_codec`.
        name: of the thread.
        on_failed: called in the worker's thread with the exception that ended it.

    Attributes:
        limit_bytes: what the window may take.
        peak_bytes: the most that it took.
    """

    def __init__(
        self,
        raw: FrameStore,
        encoded: FrameStore,
        codec: Codec,
        *,
        name: str = "encoding",
        on_failed: Callable[[Exception], None] | None = None,
    ) -> None:
        self.limit_bytes = encoded_window_bytes(codec.caps, codec.settings, encoded.capacity)
        self.peak_bytes = 0
        self._held: deque[tuple[int, int]] = deque()  # PTS and bytes
        self._bytes = 0
        self._whole = True  # every frame since the last key frame is in the window

        def make_codec() -> CodecPipeline:
            return CodecPipeline(name, codec.raw_caps, codec.encoder_elements(), codec.holds, codec.domain)

        super().__init__(name, raw.reader(name), encoded, make_codec, on_failed)

    @property
    def held_bytes(self) -> int:
        """Bytes of bitstream in the window, as of the last frame."""
        return self._bytes

    def key_frame_now(self) -> None:
        """The next frame becomes a key frame, so that a window that was thrown away fills again at once."""
        self._codec.ask_for_key_frame()

    def _deliver(self, coded: Coded) -> bool:
        if len(self._target) >= self._target.capacity:
            return False
        buffer = tight(coded)
        size = buffer.get_sizes()[2]
        self._forget_gone()
        self._whole = (self._whole or is_key(buffer)) and self._bytes + size <= self.limit_bytes
        if not self._whole:
            self.dropped.add("over the plan")
            return True
        self._held.append((coded.pts, size))
        self._bytes += size
        self.peak_bytes = max(self.peak_bytes, self._bytes)
        self._target.append(buffer, coded.pts, coded.duration)
        self.done += 1
        return True

    def _forget_gone(self) -> None:
        oldest = self._target.oldest_pts
        while self._held and (oldest is None or self._held[0][0] < oldest):
            self._bytes -= self._held.popleft()[1]


class DecodingWorker(CodecWorker):
    """Decodes the window of one programme, or a replay out of its history, a few frames ahead.

    How far ahead is decided by the pool: the worker waits for a free frame of it. What the decoder gives is not held:
    every picture is moved into the pool's NV12.

    Args:
        encoded: what an :class:`EncodingWorker` writes.
        decoded: gets the frames; its capacity must be that of the pool at least.
        pool: of the decoded frames: some to be ahead, and those that the programme renders and encodes.
        codec: the same as the encoder's.
        name: of the thread.
        first_pts: begin with the first frame that is not before this, ns; by default with the next that comes.
        last_pts: end after the last frame that is not later than this, ns; by default at the end of the stream.
        holds: frames wait for this worker. A replay must not hold the window up: it misses what has gone meanwhile.
        on_failed: called in the worker's thread with the exception that ended it.

    Raises:
        ValueError: for a store that is smaller than the pool.
    """

    def __init__(
        self,
        encoded: FrameStore,
        decoded: FrameStore,
        pool: FramePool,
        codec: Codec,
        *,
        name: str = "decoding",
        first_pts: int | None = None,
        last_pts: int | None = None,
        holds: bool = True,
        on_failed: Callable[[Exception], None] | None = None,
    ) -> None:
        if decoded.capacity < pool.frames:
            raise ValueError(f"a store of {decoded.capacity} frames can't take {pool.frames} of the pool")
        self._encoded = encoded
        self._pool = pool
        self._last_pts = last_pts
        self._first_pts = 0
        self._expected = -1  # sequence of the frame that the decoder can go on with; -1: a key frame only
        self._lock = threading.Lock()
        self._ended = False
        self._command: Callable[[], None] | None = None  # for the next step
        self._delivered_pts = -1

        def make_codec() -> CodecPipeline:
            return CodecPipeline(name, codec.stream_caps, codec.decoder_elements(), codec.holds, codec.domain)

        super().__init__(name, encoded.reader(name, holds=holds), decoded, make_codec, on_failed)
        if first_pts is not None:
            self._begin_at(first_pts)

    @property
    def missed(self) -> int:
        """Encoded frames that were gone before they could be decoded."""
        return self._reader.missed

    def skip(self, before_pts: int | None = None) -> None:
        """Goes on with the first frame that is not before ``before_pts`` (ns); for a dump, or a jump forwards.

        Nothing from before comes out once this has returned: it is counted as "skipped". Frames that can't be decoded,
        because their key frame was cleared out of the encoded store, are counted as "before a key frame".

        Args:
            before_pts: by default behind everything that the encoded store has got. Never goes back.
        """
        with self._lock:
            if before_pts is None:
                before_pts = max(self._reader.position, (self._encoded.newest_pts or 0) + 1)
            before_pts = max(before_pts, self._first_pts, self._delivered_pts + 1)
            self._count_skipped(self._target.clear())
            self._command = partial(self._pass_over, before_pts)

    def seek(self, pts: int) -> None:
        """Goes on with the first frame that is not before ``pts`` (ns), forwards or back into the history.

        The decoded store is restarted, so that earlier times may come again. Frames that are left out are the caller's
        to count.

        Raises:
            TouchlineError: if the last frame has been decoded already.
        """
        with self._lock:
            if self._ended or self._over.is_set():
                raise TouchlineError(f"{self.name}: a seek came after the end")
            self._command = partial(self._start_over, max(0, pts))
            self._target.restart()

    def _step(self) -> bool:
        with self._lock:
            command, self._command = self._command, None
            if command is not None:
                command()
        return super()._step()

    def _finish(self) -> bool:
        with self._lock:
            self._ended = self._command is None
            return self._ended and super()._finish()

    @property
    def _at_end(self) -> bool:
        if self._last_pts is not None and self._reader.position > self._last_pts:
            return True
        following = self._reader.wait(0)
        beyond = self._last_pts is not None and following is not None and following > self._last_pts
        return beyond or self._reader.at_end

    def _feed(self, frame: Frame) -> None:
        if self._last_pts is not None and frame.pts > self._last_pts:
            return
        if frame.sequence != self._expected and not is_key(frame.buffer):
            self._expected = -1
            self.dropped.add("before a key frame")
            return
        self._expected = frame.sequence + 1
        super()._feed(frame)

    def _deliver(self, coded: Coded) -> bool:
        if coded.pts < self._first_pts:  # decoded only because a later one needed it
            return True
        buffer = self._moved(coded)
        if buffer is None:
            return False
        buffer.pts = coded.pts
        buffer.duration = coded.duration
        with self._lock:
            if self._command is not None:
                return False  # it may be unwanted now
            self._target.append(buffer, coded.pts, coded.duration)
            self._delivered_pts = coded.pts
        self.done += 1
        return True

    def _moved(self, coded: Coded) -> Any | None:
        """A decoded picture in a frame of the pool. None if none is free."""
        if self._pool.domain.feature is not None:
            return self._pool.copy_of(coded.buffer)
        buffer = self._pool.acquire()
        if buffer is not None:
            with write_nv12(buffer, self._pool.layout) as picture:
                copy_picture(coded, picture)
        return buffer

    def _pass_over(self, pts: int) -> None:
        """Frames before ``pts`` are not wanted: they are decoded only where a later one needs them."""
        frames = [frame for frame in self._encoded.held() if self._reader.position <= frame.pts]
        left = [*(frame.pts for frame in frames), *self._codec.times, *([self._out.pts] if self._out else [])]
        self._count_skipped(sum(self._first_pts <= each < pts for each in left))
        keys = [frame.pts for frame in frames if frame.pts <= pts and is_key(frame.buffer)]
        if keys:
            self._reader.skip_to(keys[-1])
        self._first_pts = pts

    def _begin_at(self, pts: int) -> None:
        """Reads from the last key frame that is not after ``pts``, or from the first one behind it."""
        keys = [frame.pts for frame in self._encoded.held() if is_key(frame.buffer)]
        self._reader.skip_to(max((key for key in keys if key <= pts), default=min(keys, default=pts)))
        self._expected = -1
        self._first_pts = pts
        self._delivered_pts = pts - 1

    def _start_over(self, pts: int) -> None:
        self._out = None
        self._codec.stop()
        self._codec = self._make_codec()
        self._codec.start()
        self._begin_at(pts)

    def _count_skipped(self, frames: int) -> None:
        if frames:
            self.dropped.add("skipped", frames)
