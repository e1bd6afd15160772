"""The programme's sound: encoded once as AAC, handed to each output behind the picture that it belongs to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.errors import ConfigurationError, OutputError, TouchlineError
from touchline.gst.elements import available, has_property, make, set_property
from touchline.gst.library import NONE, SECOND, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.sound import SoundFormat

# By preference, with what each puts before the sound, in samples, where that can't be measured for want of a decoder.
_ENCODERS = {"fdkaacenc": 2048, "avenc_aac": 1024, "voaacenc": 1600, "faac": 1024}
_DECODERS = ("avdec_aac", "fdkaacdec", "faad")
_BITRATE = {1: 128_000, 2: 160_000}
_ACCESS_UNITS = "audio/mpeg,mpegversion=4,stream-format=raw,framed=true"
_TRIAL_S = 20.0
_TRIAL_CLICK = 9600  # samples from the start
_PATIENCE_NS = SECOND  # sound that is further behind the pictures is taken for lost
_SHELF = 4000  # access units: more than a minute


@dataclass(frozen=True)
class SoundEncoder:
    """The encoder that was chosen.

    Args:
        factory: GStreamer's name of it.
        description: for people.
        priming: by how many samples sound comes out later than its timestamps say. No player is told of it by every
            container, so the programme moves the timestamps.
    """

    factory: str
    description: str
    priming: int


def choose_sound_encoder(format: SoundFormat) -> SoundEncoder:
    """The first AAC encoder, in order of preference, that works here.

    Raises:
        ConfigurationError: if none does.
    """
    refusals = []
    for factory in filter(available, _ENCODERS):
        try:
            priming = _measure_priming(factory, format)
        except TouchlineError as error:
            refusals.append(str(error))
            continue
        kbps = _BITRATE[format.channels] // 1000
        return SoundEncoder(factory, f"{factory} (AAC), {kbps} kbit/s", priming)
    tried = f" ({'; '.join(refusals)})" if refusals else ""
    raise ConfigurationError(
        f"no AAC encoder works here{tried}; install the package gstreamer1.0-libav, or leave the sound out"
    )


def sound_encoder_elements(factory: str, format: SoundFormat) -> list[Any]:
    """The encoder and what it needs around it, to be linked in this order: takes samples, gives access units."""
    encoder = make(factory)
    if has_property(encoder, "bitrate"):
        set_property(encoder, "bitrate", _BITRATE[format.channels])
    units = make("capsfilter", caps=Gst.Caps.from_string(_ACCESS_UNITS))
    return [make("audioconvert"), encoder, make("aacparse"), units]


def running_time(sample: Any) -> int | None:
    """A sample's PTS as running time, ns; None if it lies before its segment, or is not known."""
    time = sample.get_segment().to_running_time(Gst.Format.TIME, sample.get_buffer().pts)
    return None if time == NONE else int(time)


class SoundInput:
    """Makes the programme's sound whole: contiguous, and never far behind the pictures.

    A muxer waits for the sound of its pictures. If none comes for a second of programme time, silence takes its place;
    what comes for that time afterwards is left out.

    Args:
        format: of the samples.
        push: takes buffers that follow each other without a gap.

    Attributes:
        late: samples that came too late.
        filled: samples of silence that were put in.
    """

    def __init__(self, format: SoundFormat, push: Callable[[Any], None]) -> None:
        self.late = self.filled = 0
        self._format = format
        self._push = push
        self._next: int | None = None
        self._lock = threading.Lock()

    def push(self, buffer: Any) -> None:
        """Takes a buffer with its PTS; its duration is that of its samples."""
        samples = self._format.from_buffer(buffer)
        first = self._format.sample_at(buffer.pts)
        with self._lock:
            if self._next is None:
                self._next = first
            self._fill(first)
            early = min(self._next - first, len(samples))
            self.late += early
            if early < len(samples):
                self._next = first + len(samples)
                whole = buffer if not early else self._format.to_buffer(first + early, samples[early:])
                self._push(whole)

    def keep_up(self, pts: int) -> None:
        """A picture of this PTS is shown."""
        with self._lock:
            if self._next is None:
                self._next = self._format.sample_at(pts)
            self._fill(self._format.sample_at(max(0, pts - _PATIENCE_NS)))

    def _fill(self, until: int) -> None:
        assert self._next is not None
        while self._next < until:
            count = min(until - self._next, self._format.rate)
            self._push(self._format.to_buffer(self._next, self._format.silence(count)))
            self._next += count
            self.filled += count


class Shelf:
    """Where sound waits for its pictures, whose encoder takes longer.

    So an output that begins at a key frame, whenever that is, still gets all sound from there on.

    Args:
        hand_out: takes a sample and its running time, ns; called from two threads, one at a time. It must not block.
    """

    def __init__(self, hand_out: Callable[[Any, int], None]) -> None:
        self._hand_out = hand_out
        self._waiting: deque[tuple[int, Any]] = deque(maxlen=_SHELF)
        self._shown = -1  # running time up to which pictures have gone out
        self._end = 0
        self._lock = threading.Lock()

    def put(self, sample: Any) -> None:
        """Takes sound. What comes before time zero, an encoder's priming, is nothing that anyone could hear."""
        time = running_time(sample)
        if time is None:
            return
        with self._lock:
            self._waiting.append((time, sample))
            self._release(self._shown)

    def picture(self, sample: Any) -> None:
        """A picture has been handed to the outputs."""
        time = running_time(sample)
        if time is None:
            return
        duration = sample.get_buffer().duration
        with self._lock:
            self._shown = max(self._shown, time)
            self._end = self._shown + (0 if duration == NONE else duration)
            self._release(self._shown)

    def finish(self) -> None:
        """The last picture has gone out: what sounds while it is shown goes out too."""
        with self._lock:
            self._release(self._end - 1)

    def _release(self, until: int) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            time, sample = self._waiting.popleft()
            self._hand_out(sample, time)


def _measure_priming(factory: str, format: SoundFormat) -> int:
    """Encodes a click, decodes it and looks where it has gone. Raises OutputError if the encoder does not work."""
    decoder = next(filter(available, _DECODERS), None)
    if decoder is None:
        return _ENCODERS[factory]
    pipeline = Pipeline(f"trial of {factory}", error=OutputError)
    source = make("appsrc", caps=format.to_gst(), format="time", max_bytes=0)
    sink = make("appsink", caps=format.to_gst(), sync=False)
    pipeline.add(source, *sound_encoder_elements(factory, format), make(decoder), make("audioconvert"), sink)
    sound = format.silence(2 * _TRIAL_CLICK)
    sound[_TRIAL_CLICK] = 30000
    try:
        pipeline.play()
        source.emit("push-buffer", format.to_buffer(0, sound))
        source.emit("end-of-stream")
        place, loudest = 0, 0
        while (sample := sink.emit("try-pull-sample", int(_TRIAL_S * SECOND))) is not None:
            level = np.abs(format.from_buffer(sample.get_buffer()).astype(np.int32)).max(axis=1)
            if level.max() > loudest:
                loudest = int(level.max())
                place = format.sample_at(running_time(sample) or 0) + int(level.argmax())
    finally:
        pipeline.stop()
    if loudest < 1000:
        raise OutputError(pipeline.failed or f"{factory}: what it encodes can't be heard")
    return place - _TRIAL_CLICK
