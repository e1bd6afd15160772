"""The programme: frames in, paced by the clock, encoded once, out through any number of outputs.

::

    appsrc -> clocksync -> queue -> tee -+-> encoder -> parser -> appsink ==> a pipeline for each record and stream
                                         +-> appsink ==> a pipeline for each display and webcam
    appsrc -> clocksync -> AAC encoder -> appsink ==> the same pipelines, behind the pictures that it belongs to

Frames in a GPU's memory go to an encoder that takes them there as they are; for everybody else they are downloaded
once, behind the queue.

A frame keeps its timestamp from capture on; the pipeline's base time is late by the delay, so clocksync lets it out
exactly then, in C. The outputs are pipelines of their own on the same clock and base time: one that fails or is slow
can disturb neither the pacing nor its neighbours.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.counters import BusBytes, Tally
from touchline.errors import OutputError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import Domain
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.probes import PassageProbe
from touchline.gst.sound import SoundFormat
from touchline.programme.encoders import EncoderChoice, EncoderSettings, choose_encoder, encoder_elements
from touchline.programme.front import Front
from touchline.programme.outputs import Output, OutputStatus, finish_all, make_output
from touchline.programme.sound import (
    Shelf,
    SoundEncoder,
    SoundInput,
    choose_sound_encoder,
    sound_encoder_elements,
)
from touchline.programme.specs import Codec, OutputSpec, check_all, keep_earlier
from touchline.programme.transfers import device_caps, download_elements

_QUEUED_FRAMES = (
    12  # between the pacing and the encoder: a machine that is busy elsewhere for 0.4 s at 30 fps
)
_RAW_FRAMES = 5  # in a display's or webcam's pipeline: two queued, one converted, one or two on the screen
_ACCESS_UNITS = "stream-format=byte-stream,alignment=au"


class Programme:
    """What leaves.

    Args:
        caps: of the frames.
        outputs: where to; with none the frames are paced and thrown away.
        paced: each frame leaves when it is due (:meth:`push` never waits); otherwise as fast as the outputs can.
        encoder: settings of the encoder, which is only made if something needs it.
        overwrite: a recording replaces an earlier file of its name; without it that is renamed.
        ahead_s: how long before its due time a frame is pushed, at most, when paced.
        on_output_failed: called, from another thread, when an output is over.
        on_note: called, from any thread, with a line for people: a file renamed, a stream tried again.
        sound: what :meth:`push_sound` will take; without it records and streams have no sound.
        domain: whose memory the frames lie in; plain memory by default.
        bus: counts what is downloaded.
        front: makes the programme's pictures of the frames that are pushed, and knows their way out, where elements do
            that; None: what is pushed is what leaves.

    Attributes:
        encoder: the one that was chosen; None without records and streams.
        sound_encoder: the one for the sound; None without sound, or without records and streams.
        sound: what makes the sound whole, with its counters; None without ``sound_encoder``.
        in_flight: the most frames that are held here at once.
        dropped: frames that were pushed and left out, by reason: ``behind`` (the encoder is too slow).

    Raises:
        ConfigurationError: if an output can't be served or no encoder works.
    """

    def __init__(
        self,
        caps: VideoCaps,
        outputs: Sequence[OutputSpec],
        *,
        paced: bool = True,
        encoder: EncoderSettings = EncoderSettings(),  # noqa: B008 - frozen
        overwrite: bool = False,
        ahead_s: float = 0.5,
        on_output_failed: Callable[[OutputStatus], None] | None = None,
        on_note: Callable[[str], None] | None = None,
        sound: SoundFormat | None = None,
        domain: Domain | None = None,
        bus: BusBytes | None = None,
        front: Front | None = None,
    ) -> None:
        codec: Codec = front.codec if front else "h264"
        outputs = [replace(spec, codec=codec) for spec in outputs]
        check_all(outputs)
        self._device = domain if domain is not None and domain.feature is not None else None
        self._bus = bus
        self._front = front
        self.caps = caps
        self.dropped = Tally()
        streams = any(spec.kind == "stream" for spec in outputs)
        self._settings = replace(encoder, steady=True) if streams else encoder
        self._paced = paced
        self._overwrite = overwrite
        self._on_output_failed = on_output_failed
        self._on_note = on_note or (lambda _: None)
        self._outputs = [
            make_output(
                spec, paced=paced, on_failed=self._output_failed, on_note=self._on_note, sound=bool(sound)
            )
            for spec in outputs
        ]
        self._encoded = [output for output in self._outputs if output.spec.encoded]
        self._raw = [output for output in self._outputs if not output.spec.encoded]
        self.encoder: EncoderChoice | None = None
        if self._encoded and front:
            self.encoder = front.choose_encoder(caps, self._settings)
        elif self._encoded:
            self.encoder = choose_encoder(caps, self._settings, self._device)
        self._sound_format = sound
        self.sound_encoder: SoundEncoder | None = None
        self.sound: SoundInput | None = None
        self._shelf = Shelf(self._hand_out_sound)
        self._sound_source: Any = None
        if sound and self._encoded:
            self.sound_encoder = choose_sound_encoder(sound)
            self.sound = SoundInput(sound, self._push_sound)
        self._ahead = math.ceil(ahead_s * float(caps.fps or 30)) + 2 if paced else 2
        self._failure: str | None = None
        self._closed = False
        self._ending = threading.Event()
        self._pipeline = Pipeline("programme", error=OutputError, on_error=self._pipeline_failed)
        if self._device is not None:
            self._device.prepare(self._pipeline.gst)
        self._source: Any = None
        self._paces: list[Any] = []
        self._probe: PassageProbe | None = None

    @property
    def in_flight(self) -> int:
        if self._front:  # what waits for its time is what it makes of them
            return self._front.in_flight
        waiting = self._ahead + 1 + _QUEUED_FRAMES + 1
        encoder = self.encoder.in_flight if self.encoder else 1
        if self._device is None:
            return waiting + encoder + _RAW_FRAMES * len(self._raw)
        # Downloaded frames are others: the one at the download is the last.
        return waiting + 1 + (encoder if self.encoder and self.encoder.on_device else 0)

    @property
    def outputs(self) -> list[OutputStatus]:
        """Every output's books, in the order in which they were asked for."""
        return [output.status for output in self._outputs]

    def start(self, base_time: int) -> None:
        """Opens every output and starts the pacing.

        Args:
            base_time: the clock's time, in ns, at which a frame of PTS 0 leaves: the capture's base time and the delay.

        Raises:
            OutputError: in one line, if an output can't be opened; nothing runs then.
        """
        try:
            for output in self._outputs:
                if output.spec.kind == "record" and not self._overwrite:
                    note = keep_earlier(output.spec.path)
                    if note:
                        self._on_note(note)
                output.start(base_time)
            self._build()
            self._pipeline.play(base_time)
        except Exception:
            self.stop()
            raise

    def move(self, base_time: int) -> None:
        """Changes the base time after the start, before the first frame is pushed.

        Opening outputs may take seconds; whoever wants his time to begin afterwards starts with any base time. Only
        the pacing looks at it: no output waits for the clock.
        """
        self._pipeline.gst.set_base_time(base_time)
        for pace in self._paces:
            pace.set_base_time(base_time)

    def push(self, buffer: Any) -> bool:
        """Takes a frame with its PTS, in order. Waits for room only if not paced; when paced, a frame that finds none
        is dropped and counted.

        Returns:
            False if it was dropped.

        Raises:
            OutputError: if no frame can be taken any more: the encoder has failed, or every output has.
        """
        if self._failure or self._source is None:
            raise OutputError(self._failure or "the programme has not been started")
        if self._paced and self._source.get_property("current-level-buffers") >= self._ahead:
            self.dropped.add("behind")
            return False
        if self.sound:
            self.sound.keep_up(buffer.pts)
        flow = self._source.emit("push-buffer", buffer)
        if flow != Gst.FlowReturn.OK:
            # The reason may still be on its way through the bus.
            self._ending.wait(0.5)
            raise OutputError(self._failure or f"the programme takes no more frames ({flow.value_nick})")
        return True

    def push_sound(self, buffer: Any) -> None:
        """Takes a buffer of samples with its PTS, on the same timeline as the frames', in order. Never waits.

        It should come before the frames that are shown after it. A second of programme time without sound becomes
        silence. Nothing happens where nobody takes sound.

        Raises:
            OutputError: as :meth:`push`.
        """
        if self._failure or self._source is None:
            raise OutputError(self._failure or "the programme has not been started")
        if self.sound:
            self.sound.push(buffer)

    def finish(self, timeout_s: float) -> None:
        """Lets out what has been pushed, when it is due, and finishes every output.

        Args:
            timeout_s: for all of it; what is not done by then is closed as it is, and has an error in its status.

        Nothing happens if the programme has been finished or stopped already.
        """
        if self._closed:
            return
        until = time.monotonic() + timeout_s
        if self._failure is None and self._source is not None and not self._ending.is_set():
            self._source.end_of_stream()
            if self._sound_source:
                self._sound_source.end_of_stream()
            if not self._pipeline.wait_eos(timeout_s):
                self._failed(self._pipeline.failed or f"programme: not at its end after {timeout_s:g} s")
            self._shelf.finish()
        finish_all(self._outputs, max(0.0, until - time.monotonic()))
        self.stop()

    def stop(self) -> None:
        """Stops at once. Recordings play up to what had been encoded. May be called again, from any thread."""
        self._closed = True
        self._ending.set()
        # The outputs first: a recording that holds up the encoder lets go of it when it ends.
        for output in self._outputs:
            output.stop()
        self._pipeline.stop()

    @property
    def failure(self) -> str | None:
        """One line about why no frame is taken any more; None if that is not so."""
        return self._failure

    def passages(self) -> NDArray[np.int64]:
        """When frames were let out since the last call: shape (n, 2), each a PTS and the clock's time, ns."""
        return np.empty((0, 2), dtype=np.int64) if self._probe is None else self._probe.read()

    def _build(self) -> None:
        self._source = make(
            "appsrc",
            "frames",
            format="time",
            caps=self._front.caps if self._front else device_caps(self.caps, self._device),
            is_live=self._paced,
            block=not self._paced,
            max_buffers=self._ahead,
            max_bytes=0,
            max_time=0,
        )
        pace = make("clocksync", "pace", sync=self._paced)
        self._paces = [pace]
        queue = make(
            "queue", "encoder-queue", max_size_buffers=_QUEUED_FRAMES, max_size_bytes=0, max_size_time=0
        )
        tee = make("tee", "tee", allow_not_linked=True)
        encodes_there = self.encoder is not None and self.encoder.on_device
        for_all = [] if encodes_there or not self._outputs or self._front else self._download()
        makes = self._front.elements() if self._front else []
        self._pipeline.add(self._source, *makes, pace, queue, *for_all, tee)
        self._probe = PassageProbe(pace.get_static_pad("src"), system_clock())
        # The pictures first: they should not wait for the encoder.
        if self._raw:
            self._branch(tee, self._plain() if encodes_there or self._front else [], self._raw)
        if self.encoder:
            if self._front:
                elements = self._front.encoder_elements(self.caps, self._settings)
            else:
                elements = encoder_elements(self.encoder.factory, self.caps, self._settings)
            codec = self._encoded[0].spec.codec
            units = make("capsfilter", caps=Gst.Caps.from_string(f"video/x-{codec},{_ACCESS_UNITS}"))
            parser = make(f"{codec}parse", config_interval=-1)
            self._branch(tee, [*elements, parser, units], self._encoded)
        if self.sound_encoder and self._sound_format:
            self._build_sound(self.sound_encoder, self._sound_format)
        if not self._outputs:
            self._pipeline.add(sink := make("fakesink", sync=False, async_=False))
            self._pipeline.link(tee, sink)

    def _download(self) -> list[Any]:
        """What brings frames into plain memory; nothing for those that lie there."""
        return [] if self._device is None else download_elements(self._device, self.caps, self._bus)

    def _plain(self) -> list[Any]:
        """What brings the programme's pictures to displays and webcams."""
        return self._front.plain() if self._front else self._download()

    def _build_sound(self, encoder: SoundEncoder, format: SoundFormat) -> None:
        """The sound's way through the programme. There is as much of it as of the frames, so it has no limits."""
        self._sound_source = make(
            "appsrc", "sound", format="time", caps=format.to_gst(), is_live=self._paced, max_bytes=0
        )
        pace = make("clocksync", "sound-pace", sync=self._paced)
        self._paces.append(pace)
        elements = sound_encoder_elements(encoder.factory, format)
        sink = make("appsink", sync=False, emit_signals=True, enable_last_sample=False, async_=False)
        self._pipeline.connect(sink, "new-sample", self._take_sound)
        self._pipeline.add(self._sound_source, pace, *elements, sink)
        # What the encoder puts before the sound makes it late; its timestamps go back by as much.
        elements[-1].get_static_pad("src").set_offset(-format.time_of(encoder.priming))

    def _push_sound(self, buffer: Any) -> None:
        self._sound_source.emit("push-buffer", buffer)

    def _hand_out_sound(self, sample: Any, time_ns: int) -> None:
        for output in self._encoded:
            output.feed_sound(sample, time_ns)

    def _take_sound(self, sink: Any) -> Any:
        """Puts encoded sound where it waits for its pictures; called by GStreamer."""
        try:
            sample = sink.emit("pull-sample")
            if sample is not None:
                self._shelf.put(sample)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer; the programme fails
            self._failed(f"programme: sound: {type(error).__name__}: {error}")
            return Gst.FlowReturn.ERROR
        return Gst.FlowReturn.OK

    def _branch(self, tee: Any, elements: list[Any], outputs: list[Output]) -> None:
        sink = make("appsink", sync=False, emit_signals=True, enable_last_sample=False, async_=False)
        self._pipeline.connect(sink, "new-sample", self._fan_out, outputs)
        self._pipeline.add(*elements, sink)
        self._pipeline.link(tee, elements[0] if elements else sink)

    def _fan_out(self, sink: Any, outputs: list[Output]) -> Any:
        """Hands a sample to every output; called by GStreamer."""
        try:
            sample = sink.emit("pull-sample")
            if sample is not None:
                key = not sample.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT)
                for output in outputs:
                    output.feed(sample, key)
                if outputs is self._encoded and self.sound:
                    self._shelf.picture(sample)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer; the programme fails
            self._failed(f"programme: {type(error).__name__}: {error}")
            return Gst.FlowReturn.ERROR
        return Gst.FlowReturn.OK

    def _output_failed(self, status: OutputStatus) -> None:
        if self._on_output_failed:
            self._on_output_failed(status)
        if all(output.over for output in self._outputs):
            reasons = "; ".join(s.error or "" for s in self.outputs)
            self._failed(f"every output has failed: {reasons}" if len(self._outputs) > 1 else reasons)

    def _pipeline_failed(self, message: str) -> None:
        self._failed(message)
        # Whoever waits in push would wait for ever.
        self._pipeline.stop()

    def _failed(self, message: str) -> None:
        if self._failure is None:
            self._failure = message
            self._ending.set()
