"""One life of an output: a pipeline of its own, fed through a bounded queue that never holds up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.errors import OutputError
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe
from touchline.gst.secrets import Secrets
from touchline.programme.sound import running_time
from touchline.programme.specs import OutputSpec
from touchline.programme.tails import add_sound, tail

MB = 1_000_000
_STOP_S = 3.0


@dataclass(frozen=True)
class QueueLimits:
    """How much may wait in front of an output; 0 is no limit.

    Args:
        buffers, megabytes, seconds: whichever is reached first.
        block: what is too much waits (and holds up the encoder) instead of being dropped.
    """

    buffers: int = 0
    megabytes: int = 0
    seconds: float = 0.0
    block: bool = False

    @classmethod
    def of(cls, spec: OutputSpec, paced: bool) -> QueueLimits:
        """Generous for a recording, short for a stream, two frames for a display."""
        if spec.kind == "record":
            return cls(megabytes=256, seconds=20) if paced else cls(megabytes=32, block=True)
        if spec.kind == "stream":
            return cls(megabytes=32, seconds=3)
        return cls(buffers=2)


class Outlet:
    """From a queue to the muxer and the sink.

    Made, played, fed and stopped once; a stream that comes back is a new outlet. Timestamps pass as they are, with
    their segments, so that running time stays the programme's.

    Args:
        spec: where to.
        limits: of its queue.
        on_error: called once, from a thread of the outlet's, when it fails while running.
        sound: it gets sound beside the pictures.

    Attributes:
        taken: how many samples have been queued.

    Raises:
        OutputError: if the output can be seen not to work.
        MissingElementError: if GStreamer lacks an element.
    """

    def __init__(
        self,
        spec: OutputSpec,
        limits: QueueLimits,
        on_error: Callable[[str], None],
        *,
        sound: bool = False,
    ) -> None:
        self._limits = limits
        self._pipeline = Pipeline(
            spec.label, error=OutputError, on_error=on_error, secrets=Secrets(spec.uri) if spec.uri else None
        )
        self._source = make(
            "appsrc",
            format="time",
            handle_segment_change=True,
            block=limits.block,
            max_buffers=limits.buffers,
            max_bytes=limits.megabytes * MB,
            max_time=int(limits.seconds * SECOND),
        )
        elements = tail(spec)
        self._pipeline.add(self._source, *elements)
        self._probe = PassageProbe(elements[0].get_static_pad("src"), system_clock(), capacity=1)
        self._sound = add_sound(self._pipeline, elements) if sound else None
        self._sound_from = 0
        self.taken = 0
        self._gap = True
        self._full_since: float | None = None
        self._started = time.monotonic()

    @property
    def frames(self) -> int:
        """How many frames have left the queue."""
        return self._probe.count

    @property
    def failure(self) -> str | None:
        """Why it has failed, in one line."""
        return self._pipeline.failed

    @property
    def age_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._started

    @property
    def stuck_s(self) -> float:
        """For how many seconds the queue has been found full without a break; 0 if it was not."""
        return 0.0 if self._full_since is None else time.monotonic() - self._full_since

    def play(self, base_time: int) -> None:
        """Starts it. Raises OutputError, in one line, if it can't be."""
        try:
            self._pipeline.play(base_time)
        except OutputError:
            self._pipeline.stop()
            raise

    def push(self, sample: Any, key: bool) -> bool:
        """Queues a sample.

        Args:
            sample: with caps and segment.
            key: the sample can be shown without those before it; nothing else is taken first, or after a gap.

        Returns:
            False if it was left out.
        """
        if self._gap and not key:
            return False
        if not self._limits.block and self._full():
            self._gap = True
            self._full_since = self._full_since or time.monotonic()
            return False
        if self._source.push_sample(sample) != Gst.FlowReturn.OK:
            self._gap = True
            return False
        if self._gap and self._sound:
            self._sound_from = running_time(sample) or 0
        self.taken += 1
        self._gap = False
        self._full_since = None
        return True

    def push_sound(self, sample: Any, time_ns: int) -> None:
        """Queues a sample of sound, of this running time, if the pictures that it belongs to have been taken.

        It needs no limit of its own and never waits: there is only as much of it as of the pictures.
        """
        if self._sound and not self._gap and time_ns >= self._sound_from:
            self._sound.push_sample(sample)

    def end(self) -> None:
        """No more comes: what is queued is still written, then the file is finished."""
        self._source.end_of_stream()
        if self._sound:
            self._sound.end_of_stream()

    def wait_end(self, timeout_s: float) -> bool:
        """Waits after :meth:`end` until everything is written. False if it failed or time is over."""
        return self._pipeline.wait_eos(timeout_s)

    def stop(self) -> bool:
        """Closes what is open and lets go of what is queued. May be called again.

        Returns:
            False if it is stuck, as a disk that does not answer can be: it is left behind then.
        """
        gst = self._pipeline.gst
        stopper = threading.Thread(
            target=gst.set_state, args=(Gst.State.NULL,), name="outlet-stop", daemon=True
        )
        stopper.start()
        stopper.join(_STOP_S)
        if stopper.is_alive():
            return False
        self._pipeline.stop()
        return True

    def _full(self) -> bool:
        limits, source = self._limits, self._source
        return bool(
            (limits.buffers and source.get_property("current-level-buffers") >= limits.buffers)
            or (limits.megabytes and source.get_property("current-level-bytes") >= limits.megabytes * MB)
            or (limits.seconds and source.get_property("current-level-time") >= limits.seconds * SECOND)
        )
