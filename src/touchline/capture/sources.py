"""One camera, file or stream: decoded to NV12, frame by frame, on the capture's timeline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from touchline.capture.frames import BufferPicture, CapturedFrame, SourceInfo
from touchline.capture.landing import Landing, SystemLanding
from touchline.capture.sound import OnSound, OnSoundEnd, SoundTap, is_sound
from touchline.capture.uris import SourceUri, pattern_frames, pattern_rate, pattern_size
from touchline.errors import InputError
from touchline.gst.caps import PlaneLayout, colorimetry, frame_rate
from touchline.gst.depth import AllocationAnswer, ask_properties, raise_depth
from touchline.gst.elements import make
from touchline.gst.library import NONE, SECOND, GLib, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.secrets import Secrets
from touchline.gst.sound import SoundFormat

# The appsink keeps at most this many decoded frames; ours are taken out at once, so it is for hiccups only.
_SINK_FRAMES = 2
_OPEN_S = 20.0
# A file has its first picture at once, or never: decodebin may swallow the error of a demuxer that fails as it starts.
_OPEN_FILE_S = 8.0
# Demuxers that find a place in a file to the frame. With that of MPEG-TS the times behind it are others.
_EXACT = ("qtdemux", "matroskademux", "avidemux")
_SHORT_BY_S = 2.0  # sound may be longer than the pictures, by a little

OnFrame = Callable[[CapturedFrame], None]
OnEnd = Callable[[str | None], None]


class Source:
    """A source of frames, in a pipeline of its own.

    Args:
        uri: where frames come from.
        name: ``left``, ``right`` or ``panorama``; for messages.
        paced: a file is delivered at its own speed, as a camera would; otherwise as fast as it is taken.
        on_frame: called in GStreamer's thread with every frame after :meth:`start`; it may block to hold a file
            back.
        on_end: called once, with None at the end of the stream or with one line about what failed.
        on_sound: called in a thread of its own with the sound of the source, if it has any (see :attr:`has_sound`).
        on_sound_end: called once when no more sound comes.
        sound: what sound is to be delivered as.
        landing: where the pictures come to lie; by default in plain memory.
        skip_ns: so much of the beginning of a file is not wanted, and passed over in :meth:`open` where the file can
            be sought in to the frame (MP4, Matroska, AVI). Where it can't, all of it comes. Times are those of the
            file in either case.
        later_ns: a paced file comes so much later than its times say.
    """

    def __init__(
        self,
        uri: SourceUri,
        name: str,
        *,
        paced: bool,
        on_frame: OnFrame,
        on_end: OnEnd,
        on_sound: OnSound | None = None,
        on_sound_end: OnSoundEnd = lambda _: None,
        sound: SoundFormat = SoundFormat(),  # noqa: B008 - frozen
        landing: Landing | None = None,
        skip_ns: int = 0,
        later_ns: int = 0,
    ) -> None:
        self.uri = uri
        self.name = name
        self.info = SourceInfo(2, 2, frame_rate(Gst.Caps.from_string("video/x-raw")))
        self._paced = paced and not uri.live
        self._on_frame = on_frame
        self._on_end = on_end
        self._delivering = threading.Event()
        self._ended = threading.Event()
        self._first = threading.Event()
        self._layout: PlaneLayout | None = None
        self._caps: Any = None
        self._bytes = 0
        self._last_pts = 0
        self._skip_ns = skip_ns
        self._skipped_ns = 0
        self._later_ns = later_ns
        self._pipeline = Pipeline(
            f"{name} input {uri.shown}",
            error=InputError,
            on_error=self._end,
            on_eos=lambda: self._end(self._missing()),
            secrets=Secrets(uri.text),
        )
        self._landing = landing or SystemLanding()
        self._landing.prepare(self._pipeline.gst)
        self._entry: Any = None  # the pad that takes the decoder's pictures, once it is known what they are
        self._sink = make(
            "appsink",
            caps=self._landing.caps,
            max_buffers=_SINK_FRAMES,
            sync=self._paced,
            emit_signals=True,
            ts_offset=later_ns,
        )
        self._pipeline.add(self._sink)
        self._pipeline.connect(self._sink, "new-sample", self._take)
        self._tap: SoundTap | None = None
        if on_sound:
            self._tap = SoundTap(
                self._pipeline, sound, paced=self._paced, on_sound=on_sound, on_end=on_sound_end
            )
            self._tap.move(0, later_ns)
            self._pipeline.connect(self._sink, "eos", self._tell_end)
        self._build()

    def open(self, base_time: int, timeout_s: float | None = None) -> SourceInfo:
        """Connects and finds out what comes. A live source runs from now on; its frames are not delivered yet.

        Args:
            base_time: of the timeline, for a live source, ns on the clock.
            timeout_s: how long to wait for the first frame; by default 20 s, and 8 s for a file.

        Raises:
            InputError: if there is no such thing, it is no video, or nothing comes.
        """
        if timeout_s is None:
            timeout_s = _OPEN_FILE_S if self.uri.scheme == "file" else _OPEN_S
        if self._pipeline.pause(timeout_s):
            sample = self._sink.emit("pull-preroll")
            if sample is None:
                raise InputError(f"{self.where}: there is no picture in it")
            self._learn(sample)
        else:
            self._pipeline.play(base_time)
            self._first.wait(timeout_s)
            if self._caps is None:
                failed = self._pipeline.failed
                raise InputError(failed or f"{self.where}: no picture came within {timeout_s:g} s")
        _, duration = self._pipeline.gst.query_duration(Gst.Format.TIME)
        caps = self._caps
        size = PlaneLayout.from_caps(caps)
        if size.width % 2 or size.height % 2:
            raise InputError(
                f"{self.where}: its size is {size.width}x{size.height}; only even sizes can be used"
            )
        seconds = 0.0 if self.uri.live or not 0 < duration < NONE else duration / SECOND
        if self._skip_ns and self.uri.scheme == "file":
            self._leap(seconds, timeout_s)
        self.info = SourceInfo(
            size.width, size.height, frame_rate(caps), self.uri.live, seconds, colorimetry(caps), self._bytes
        )
        return self.info

    def start(self, base_time: int) -> None:
        """Delivers frames from now on, on the timeline that begins at ``base_time`` (ns on the clock)."""
        self._delivering.set()
        if self._tap:
            self._tap.start()
            if not self.uri.live and not self._tap.attached:
                self._tap.end()
        if self.uri.live:
            return
        self._pipeline.play(base_time)

    def ask_depth(self, frames: int) -> list[str]:
        """Asks whoever allocates the frames for so many of them, since they will be held. Between open and start.

        Returns:
            What was asked, and what could not be, in words.
        """
        pad = self._sink.get_static_pad("sink")
        AllocationAnswer(pad, frames)
        said = ask_properties(pad, frames)
        if not self.uri.live and any("can't be changed" in line for line in said):
            # Decoders are made anew on the way up again: asked before they have a state, they can be changed.
            self._pipeline.connect(
                self._pipeline.gst,
                "deep-element-added",
                lambda _pipeline, _bin, new: raise_depth(new, frames),
            )
            self._pipeline.gst.set_state(Gst.State.READY)
            self._pipeline.pause(_OPEN_FILE_S)
            said = ask_properties(pad, frames)
        pad.push_event(Gst.Event.new_reconfigure())
        return said

    def stop(self) -> None:
        """Lets go of everything; nothing is delivered any more. May be called again."""
        self._ended.set()
        self._first.set()  # whoever opens it need not wait any longer
        if self._tap:
            self._tap.end()
        self._pipeline.stop()

    @property
    def has_sound(self) -> bool:
        """True if sound was asked for and found; after :meth:`open` it is known."""
        return self._tap is not None and self._tap.attached

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures; 0, 0 before the first."""
        return (self._layout.width, self._layout.height) if self._layout else (0, 0)

    @property
    def where(self) -> str:
        """The source's name in messages."""
        return self._pipeline.name

    def _build(self) -> None:
        head = {"file": self._decoder, "v4l2": self._device, "csi": self._csi, "test": self._test}
        head.get(self.uri.scheme, self._decoder)()

    def _decoder(self) -> None:
        uri = Path(self.uri.target).as_uri() if self.uri.scheme == "file" else self.uri.text
        source = make("uridecodebin", uri=uri)
        self._landing.prefer(source)
        self._pipeline.gst.add(source)
        self._pipeline.connect(source, "pad-added", self._link)
        self._pipeline.connect(source, "no-more-pads", self._check_linked)

    def _device(self) -> None:
        source = make("v4l2src", device=self.uri.target, do_timestamp=True)
        # A camera may offer raw or compressed pictures; decodebin takes either.
        decoder = make("decodebin")
        self._landing.prefer(decoder)
        self._pipeline.add(source, decoder)
        self._pipeline.connect(decoder, "pad-added", self._link)

    def _csi(self) -> None:
        """Jetson's camera stack; written after its documentation, not run on a Jetson yet."""
        source = make("nvarguscamerasrc", sensor_id=int(self.uri.target))
        self._take_from(self._pipeline.add(source, make("nvvidconv")).get_static_pad("src"))

    def _test(self) -> None:
        source = make("videotestsrc", num_buffers=pattern_frames(self.uri))
        nicks = {value.value_nick for value in type(source.get_property("pattern")).__enum_values__.values()}
        if self.uri.target not in nicks:
            raise InputError(f"{self.uri.text}: unknown pattern; known are {', '.join(sorted(nicks))}")
        source.set_property("pattern", self.uri.target)
        (width, height), rate = pattern_size(self.uri), pattern_rate(self.uri)
        caps = f"video/x-raw,format=NV12,width={width},height={height},framerate={rate.numerator}/{rate.denominator}"
        allowed = make("capsfilter", caps=Gst.Caps.from_string(caps))
        self._take_from(self._pipeline.add(source, allowed).get_static_pad("src"))

    def _link(self, _source: Any, pad: Any) -> None:
        """Takes the first video of a source, and its first sound if that is wanted; others stay where they are."""
        if self._tap and is_sound(pad):
            self._tap.attach(pad)
        kind = (pad.get_current_caps() or pad.query_caps()).get_structure(0).get_name()
        if kind.startswith("video/") and not self._linked:
            self._take_from(pad)

    def _take_from(self, pad: Any) -> None:
        """Links a pad that gives pictures to the appsink, with what the landing wants in between."""
        if self._entry is None:
            elements = self._landing.elements(pad)
            self._pipeline.link(self._pipeline.add(*elements), self._sink)
            for element in reversed(elements):
                element.sync_state_with_parent()
            self._entry = elements[0].get_static_pad("sink")
        pad.link(self._entry)

    @property
    def _linked(self) -> bool:
        return self._entry is not None and self._entry.is_linked()

    def _check_linked(self, source: Any) -> None:
        """Without this a file that holds only sound would keep us waiting for a picture."""
        if not self._linked:
            error = GLib.Error.new_literal(Gst.StreamError.quark(), "there is no video in it", 0)
            source.post_message(Gst.Message.new_error(source, error, ""))

    def _leap(self, seconds: float, timeout_s: float) -> None:
        """Passes over the beginning of a file that is prerolled. Running time begins anew at the place sought."""
        if seconds and self._skip_ns >= seconds * SECOND:
            raise InputError(
                f"{self.where}: it is {seconds:.1f} s long, and by the rig's time offset the other camera's recording "
                f"begins {self._skip_ns / SECOND:.1f} s after it; is time_offset_s of the rig that of this footage?"
            )
        if not any(self._pipeline.gst.iterate_all_by_element_factory_name(name).next()[1] for name in _EXACT):
            return
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        if not self._pipeline.gst.seek_simple(Gst.Format.TIME, flags, self._skip_ns):
            return
        self._skipped_ns = self._skip_ns
        late = self._skipped_ns + self._later_ns
        self._sink.set_property("ts-offset", late)
        if self._tap:
            self._tap.move(self._skipped_ns, late)
        self._pipeline.pause(timeout_s)

    def _learn(self, sample: Any) -> None:
        self._caps = sample.get_caps()
        self._layout = PlaneLayout.from_caps(self._caps)
        self._bytes = sample.get_buffer().get_sizes()[2]
        self._first.set()

    def _take(self, sink: Any) -> Any:
        """Called by GStreamer with every frame; nothing may be thrown back into it."""
        try:
            return self._deliver(sink)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this input, with a word about it
            self._end(f"{self.where}: {type(error).__name__}: {error}")
            return Gst.FlowReturn.ERROR

    def _deliver(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        if self._layout is None:
            self._learn(sample)
        elif not self._caps.is_equal(sample.get_caps()):
            self._changed(sample)
        if not self._delivering.is_set() or self._ended.is_set():
            return Gst.FlowReturn.OK
        buffer = sample.get_buffer()
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
        if pts == NONE:
            self._end(f"{self.where}: its frames have no timestamps")
            return Gst.FlowReturn.ERROR
        pts += self._skipped_ns
        self._last_pts = pts
        duration = 0 if buffer.duration == NONE else buffer.duration
        assert self._layout is not None
        self._on_frame(
            CapturedFrame(BufferPicture(buffer, self._layout, self._landing.domain), pts, duration)
        )
        return Gst.FlowReturn.OK

    def _changed(self, sample: Any) -> None:
        """New caps in mid-stream: another size ends the input, anything else is learnt."""
        before, layout = self._layout, PlaneLayout.from_caps(sample.get_caps())
        if before and (layout.width, layout.height) != (before.width, before.height):
            self._end(
                f"{self.where}: its size changed from {before.width}x{before.height} "
                f"to {layout.width}x{layout.height}"
            )
        self._learn(sample)

    def _missing(self) -> str | None:
        """A demuxer takes garbage for the end; but a file that says how long it is can be held to its word."""
        came_s, promised_s = self._last_pts / SECOND, self.info.duration_s
        if came_s + _SHORT_BY_S < promised_s:
            return (
                f"{self.where}: it ends after {came_s:.1f} of {promised_s:.1f} s; is it cut off or damaged?"
            )
        return None

    def _end(self, error: str | None) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._first.set()
            if self._tap and (error or not self._tap.attached):
                self._tap.end(error)
            self._on_end(error)

    def _tell_end(self, sink: Any) -> None:
        """The pictures have ended, whatever the sound does: told behind any error that came before."""
        self._pipeline.gst.get_bus().post(Gst.Message.new_eos(sink))
