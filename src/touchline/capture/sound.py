"""Sound: taken beside the pictures of a source, or from a source of its own, on the capture's timeline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray

from touchline.capture.uris import SourceUri, parse_source
from touchline.errors import ConfigurationError, InputError
from touchline.gst.elements import has_property, make
from touchline.gst.library import NONE, SECOND, GLib, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.secrets import Secrets
from touchline.gst.sound import Samples, SoundFormat

_OPEN_S = 20.0
_DEVICES = ("alsa", "pulse")
_TEST_CHUNKS = 100  # buffers per second of a test source
_DRAWN_CHUNKS = 50

# The running time of the first sample, ns, and the samples: shape (n, channels).
OnSound = Callable[[int, Samples], None]
OnSoundEnd = Callable[[str | None], None]


class SoundTap:
    """The way of sound out of a pipeline: any decoded sound goes in, samples of one format come out.

    Its elements join the pipeline with the first sound that is attached, so that a source without sound is not kept
    waiting for it. Its sink takes no part in the preroll: until the pipeline plays, it parks the first samples.

    Args:
        pipeline: of the source.
        format: of the samples that are delivered.
        paced: samples are delivered at their time; otherwise as they come.
        on_sound: called in GStreamer's thread after :meth:`start`; it may block to hold a file back.
        on_end: called once, with None when there is no more sound, or with a line about what failed. The pictures go
            on in either case.
    """

    def __init__(
        self, pipeline: Pipeline, format: SoundFormat, *, paced: bool, on_sound: OnSound, on_end: OnSoundEnd
    ) -> None:
        self._pipeline = pipeline
        self._format = format
        self._paced = paced
        self._on_sound = on_sound
        self._on_end = on_end
        self._entry: Any = None
        self._sink: Any = None
        self._skipped_ns = 0
        self._late_ns = 0
        self._delivering = threading.Event()
        self._ended = threading.Event()

    @property
    def attached(self) -> bool:
        """True once sound has been found."""
        return self._entry is not None

    def attach(self, pad: Any) -> None:
        """Takes the sound of a pad, if it is the first; others stay where they are."""
        if self.attached:
            return
        sink = make(
            "appsink",
            caps=self._format.to_gst(),
            sync=self._paced,
            async_=False,
            max_buffers=1,
            enable_last_sample=False,
            emit_signals=True,
            ts_offset=self._late_ns,
        )
        self._sink = sink
        self._pipeline.connect(sink, "new-sample", self._take)
        self._pipeline.connect(sink, "eos", lambda _: self.end())
        elements = [make("audioconvert"), make("audioresample"), sink]
        self._entry = elements[0].get_static_pad("sink")
        self._pipeline.add(*elements)
        for element in reversed(elements):
            element.sync_state_with_parent()
        pad.link(self._entry)

    def move(self, skipped_ns: int, late_ns: int) -> None:
        """Before the start, for a file of which the beginning was passed over.

        Args:
            skipped_ns: how much of it: running time is so much less than the file's.
            late_ns: paced samples come so much later than their running time says.
        """
        self._skipped_ns, self._late_ns = skipped_ns, late_ns
        if self._sink is not None:
            self._sink.set_property("ts-offset", late_ns)

    def start(self) -> None:
        """Delivers from now on."""
        self._delivering.set()

    def end(self, error: str | None = None) -> None:
        """Delivers no more, and says so, once."""
        if not self._ended.is_set():
            self._ended.set()
            self._on_end(error)

    def _take(self, sink: Any) -> Any:
        """Called by GStreamer. A fault here ends the sound, not the pictures beside it."""
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        if not self._delivering.is_set() or self._ended.is_set():
            return Gst.FlowReturn.OK
        try:
            buffer = sample.get_buffer()
            pts = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
            if pts != NONE:
                self._on_sound(pts + self._skipped_ns, self._format.from_buffer(buffer))
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the sound, with a word about it
            self.end(f"{self._pipeline.name}: its sound failed: {type(error).__name__}: {error}")
        return Gst.FlowReturn.OK


class SoundSource:
    """A source of sound alone, in a pipeline of its own.

    Args:
        uri: from :func:`parse_sound`.
        format: of the samples that are delivered.
        paced: a file is delivered at its own speed.
        on_sound, on_end: as for :class:`SoundTap`.
    """

    def __init__(
        self, uri: SourceUri, format: SoundFormat, *, paced: bool, on_sound: OnSound, on_end: OnSoundEnd
    ) -> None:
        self.uri = uri
        self.live = uri.live or uri.scheme in _DEVICES
        self._pipeline = Pipeline(
            f"sound input {uri.shown}",
            error=InputError,
            on_error=self._fail,
            secrets=Secrets(uri.text),
        )
        self._found = threading.Event()
        self._format = format
        self._tap = SoundTap(
            self._pipeline, format, paced=paced and not self.live, on_sound=on_sound, on_end=on_end
        )
        heads = {"alsa": self._device, "pulse": self._device, "test": self._test}
        heads.get(uri.scheme, self._decoder)()

    def open(self, base_time: int, timeout_s: float = _OPEN_S) -> None:
        """Connects and waits for sound. A live source runs from now on; nothing is delivered yet.

        Args:
            base_time: of the timeline, for a live source, ns on the clock.
            timeout_s: how long to wait.

        Raises:
            InputError: if there is no such thing, or no sound in it.
        """
        if self.live:
            self._pipeline.play(base_time)
        else:
            self._pipeline.pause(timeout_s)
            self._pipeline.watch()
        if not self._found.wait(timeout_s) or not self._tap.attached:
            reason = self._pipeline.failed or f"{self._pipeline.name}: no sound came within {timeout_s:g} s"
            self.stop()
            raise InputError(reason)

    def start(self, base_time: int) -> None:
        """Delivers samples from now on, on the timeline that begins at ``base_time`` (ns on the clock)."""
        self._tap.start()
        if not self.live:
            self._pipeline.play(base_time)

    def stop(self) -> None:
        """Lets go of everything. May be called again."""
        self._tap.end()
        self._pipeline.stop()

    def _decoder(self) -> None:
        uri = Path(self.uri.target).as_uri() if self.uri.scheme == "file" else self.uri.text
        source = make("uridecodebin", uri=uri)
        self._pipeline.gst.add(source)
        self._pipeline.connect(source, "pad-added", lambda _, pad: self._attach(pad))
        self._pipeline.connect(source, "no-more-pads", self._check_attached)

    def _device(self) -> None:
        """A sound card. Its own clock does not rule: each buffer is stamped with the time at which it came."""
        source = make(f"{self.uri.scheme}src", do_timestamp=True, provide_clock=False)
        if self.uri.target:
            source.set_property("device", self.uri.target)
        if has_property(source, "slave-method"):
            Gst.util_set_object_arg(source, "slave-method", "re-timestamp")
        self._pipeline.gst.add(source)
        self._attach(source.get_static_pad("src"))

    def _test(self) -> None:
        source = make("audiotestsrc", samplesperbuffer=self._format.rate // _TEST_CHUNKS)
        nicks = {value.value_nick for value in type(source.get_property("wave")).__enum_values__.values()}
        if self.uri.target not in nicks:
            raise InputError(f"{self.uri.text}: unknown sound; known are {', '.join(sorted(nicks))}")
        source.set_property("num-buffers", _test_chunks(self.uri))
        Gst.util_set_object_arg(source, "wave", self.uri.target)
        self._pipeline.gst.add(source)
        allowed = self._pipeline.add_caps(source, self._format.to_gst())
        self._attach(allowed.get_static_pad("src"))

    def _attach(self, pad: Any) -> None:
        if is_sound(pad):
            self._tap.attach(pad)
            self._found.set()

    def _check_attached(self, source: Any) -> None:
        """Without this a film without sound would keep us waiting for it."""
        if not self._tap.attached:
            error = GLib.Error.new_literal(Gst.StreamError.quark(), "there is no sound in it", 0)
            source.post_message(Gst.Message.new_error(source, error, ""))

    def _fail(self, message: str) -> None:
        self._found.set()
        self._tap.end(message)


class DrawnSound:
    """Sound that is made as it is needed: that of the synthetic match.

    Args:
        render: makes ``count`` samples from number ``first`` on, mono: ``render(first, count)``, shape (count,).
        format: of the samples that are delivered; each channel gets the same.
        samples: how many there are; None: without end.
        paced: each chunk is delivered when its last sample is due; otherwise as fast as it is taken.
        on_sound, on_end: as for :class:`SoundTap`.
    """

    def __init__(
        self,
        render: Callable[[int, int], NDArray[np.int16]],
        format: SoundFormat,
        *,
        samples: int | None,
        paced: bool,
        on_sound: OnSound,
        on_end: OnSoundEnd,
    ) -> None:
        self._render = render
        self._format = format
        self._samples = samples
        self._paced = paced
        self._on_sound = on_sound
        self._on_end = on_end
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, clock: Any, base_time: int) -> None:
        """Delivers from now on, on the timeline that begins at ``base_time`` (ns on the clock)."""
        self._thread = threading.Thread(
            target=self._run, args=(clock, base_time), name="synthetic sound", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Delivers no more. Whoever holds ``on_sound`` back has to let it go first. May be called again."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, clock: Any, base_time: int) -> None:
        first, chunk, error = 0, self._format.rate // _DRAWN_CHUNKS, None
        try:
            while not self._stop.is_set() and (self._samples is None or first < self._samples):
                count = chunk if self._samples is None else min(chunk, self._samples - first)
                samples = np.repeat(self._render(first, count)[:, None], self._format.channels, axis=1)
                due = base_time + self._format.time_of(first + count)
                if self._paced and self._stop.wait(max(0, due - clock.get_time()) / SECOND):
                    break
                self._on_sound(self._format.time_of(first), samples)
                first += count
        except Exception as fault:  # noqa: BLE001 - it ends the sound, and somebody must be told why
            error = f"the synthetic sound: {type(fault).__name__}: {fault}"
        self._on_end(error)


def is_sound(pad: Any) -> bool:
    """True for a pad of decoded sound."""
    kind = (pad.get_current_caps() or pad.query_caps()).get_structure(0).get_name()
    return bool(kind.startswith("audio/"))


def parse_sound(text: str) -> SourceUri:
    """Reads what a source of sound is called: a path, a file or network URI, ``alsa://hw:1``, ``pulse://`` with or
    without a device's name, ``test://ticks?seconds=5`` (or another wave of audiotestsrc).

    Raises:
        ConfigurationError: for what can't have sound, or with options that make no sense.
        InputError: for a file that is not there.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in (*_DEVICES, "test", "v4l2", "csi"):
        return parse_source(text)
    if scheme in _DEVICES:
        return SourceUri(scheme, text, rest or ("default" if scheme == "alsa" else ""))
    if scheme == "test":
        parts = urlsplit(text)
        uri = SourceUri(scheme, text, parts.netloc or "ticks", tuple(parse_qsl(parts.query)))
        _test_chunks(uri)
        return uri
    raise ConfigurationError(f"{text} has no sound; give a microphone as alsa://DEVICE or pulse://DEVICE")


def _test_chunks(uri: SourceUri) -> int:
    """How many buffers a test source makes; -1 without an end."""
    seconds = uri.option("seconds", "")
    if not seconds:
        return -1
    try:
        chunks = round(float(seconds) * _TEST_CHUNKS)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{uri.text}: seconds must be a number, not {seconds!r}") from error
    if chunks < 1:
        raise ConfigurationError(f"{uri.text}: seconds must be above zero")
    return chunks
