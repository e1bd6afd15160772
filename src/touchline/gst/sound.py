"""Sound as samples: its format, and the way between buffers and arrays. Samples are numbered from time zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.errors import TouchlineError
from touchline.gst.library import SECOND, Gst

Samples = NDArray[np.int16]  # shape (n, channels)


@dataclass(frozen=True)
class SoundFormat:
    """Raw sound: 16 bit, interleaved.

    Args:
        rate: samples per second.
        channels: 1 or 2.

    Raises:
        ValueError: for anything else.
    """

    rate: int = 48000
    channels: int = 2

    def __post_init__(self) -> None:
        if not 8000 <= self.rate <= 192_000 or self.channels not in (1, 2):
            raise ValueError(f"sound has 8000 to 192000 samples/s and 1 or 2 channels, not {self}")

    def to_gst(self) -> Any:
        """The same as Gst.Caps."""
        return Gst.Caps.from_string(
            f"audio/x-raw,format=S16LE,layout=interleaved,rate={self.rate},channels={self.channels}"
        )

    def sample_at(self, time_ns: int) -> int:
        """The number of the sample nearest to a time."""
        return (2 * time_ns * self.rate + SECOND) // (2 * SECOND)

    def time_of(self, sample: int) -> int:
        """When a sample begins, ns, to the nearest."""
        return (2 * sample * SECOND + self.rate) // (2 * self.rate)

    def silence(self, count: int) -> Samples:
        """So many samples of nothing."""
        return np.zeros((count, self.channels), np.int16)

    def to_buffer(self, first: int, samples: Samples) -> Any:
        """A buffer of samples that begin with number ``first``: PTS, duration and offsets are set.

        The buffer's end is where the next one begins, so that no rounding adds up.
        """
        buffer = Gst.Buffer.new_wrapped(np.ascontiguousarray(samples, "<i2").tobytes())
        buffer.pts = self.time_of(first)
        buffer.duration = self.time_of(first + len(samples)) - buffer.pts
        buffer.offset, buffer.offset_end = first, first + len(samples)
        return buffer

    def from_buffer(self, buffer: Any) -> Samples:
        """A copy of a buffer's samples. Raises TouchlineError if it can't be read."""
        mapped, info = buffer.map(Gst.MapFlags.READ)
        if not mapped:
            raise TouchlineError(f"a buffer of {buffer.get_size()} bytes of sound can't be mapped")
        try:
            return np.frombuffer(info.data, "<i2").reshape(-1, self.channels).astype(np.int16)
        finally:
            buffer.unmap(info)
