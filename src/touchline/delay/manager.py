"""The drop-in: a buffer manager between a capture pipeline and a playback pipeline, as DeepStream programs have it.

::

    manager = touchline.NVMMBufferManager(buffer_duration=7.0, framerate=30)
    manager.set_elements(appsrc=appsrc, audio_appsrc=audio_appsrc, playback_pipeline=playback)
    appsink.connect("new-sample", manager.on_new_sample)
    audio_appsink.connect("new-sample", manager.on_new_audio_sample)
    appsrc.connect("need-data", manager._on_appsrc_need_data)
    audio_appsrc.connect("need-data", manager._on_audio_appsrc_need_data)
    manager.start_buffer_thread()
    playback.set_state(Gst.State.PLAYING)
    capture.set_state(Gst.State.PLAYING)
    ...
    manager.stop_buffer_thread()

Frames are held by reference in whatever memory they come in, and leave exactly ``buffer_duration`` after their capture:
the playback pipeline gets the capture's clock, and its base time plus the delay, so that every sink with ``sync=true``
(or a clocksync) lets a frame out when it is due, by its unchanged PTS. Nobody waits for need-data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from touchline.delay.manager_track import SharedTime, Track
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst.elements import has_property
from touchline.gst.library import MILLISECOND, NONE, SECOND, Gst
from touchline.gst.pipelines import system_clock

_LEAD_NS = 150 * MILLISECOND


class NVMMBufferManager:
    """Holds what a capture pipeline gives, and gives it to a playback pipeline later.

    Args:
        buffer_duration: the delay, s, above 0.
        framerate: frames per second that memory is planned for, at the least; the caps may say more.
        audio_chunks_per_sec: audio buffers per second that room is planned for.
        appsrc: of the playback pipeline, for video.
        audio_appsrc: of the playback pipeline, for sound.
        playback_pipeline: gets the capture's clock, and a base time that is later by the delay.

    All methods may be called from any thread, and do nothing while there is nothing to do.

    Raises:
        ConfigurationError: for numbers that make no sense.
    """

    def __init__(
        self,
        buffer_duration: float = 7.0,
        framerate: float = 30,
        audio_chunks_per_sec: float = 100,
        appsrc: Any = None,
        audio_appsrc: Any = None,
        playback_pipeline: Any = None,
    ) -> None:
        if not (0 < buffer_duration < 86_400 and framerate > 0 and audio_chunks_per_sec > 0):
            raise ConfigurationError(
                "a buffer manager needs a duration (s, under a day) and rates (per second) above zero"
            )
        self.buffer_duration = buffer_duration
        self._delay_ns = round(buffer_duration * SECOND)
        self._video = Track("video", framerate, self._delay_ns, self._alarm)
        self._audio = Track("audio", audio_chunks_per_sec, self._delay_ns, self._alarm)
        self._playback: Callable[[], Any] = lambda: None
        self._time: SharedTime | None = None
        self._emergency: Callable[[str], Any] | None = None
        self._alarmed: str | None = None
        self._lock = threading.RLock()
        self.set_elements(appsrc, audio_appsrc, playback_pipeline)

    def set_elements(
        self, appsrc: Any = None, audio_appsrc: Any = None, playback_pipeline: Any = None
    ) -> None:
        """Says where the frames go; what is None stays as it was. Before the playback pipeline plays.

        None of them is kept alive from here.
        """
        with self._lock:
            for track, element in ((self._video, appsrc), (self._audio, audio_appsrc)):
                if element is not None:
                    track.feed(element)
            if playback_pipeline is not None:
                self._playback = playback_pipeline.weak_ref()
                playback_pipeline.set_start_time(NONE)  # nobody but us sets its base time
            if self._time is not None:
                self._share_time(self._time)

    def set_emergency_shutdown_callback(self, callback: Callable[[str], Any] | None) -> None:
        """``callback`` is called once, with one line, when the delay can't be kept up.

        That is when the producer writes over memory that is held, when it stops because its buffers are all held, when
        more frames come than were planned for, or when they do not fit into memory. It is called in the thread that
        finds it, so it must not stop a pipeline there: let it wake somebody who does.
        """
        self._emergency = callback

    def on_new_sample(self, sink: Any) -> Any:
        """For an appsink's ``new-sample``: takes the sample. Returns a Gst.FlowReturn, always OK: capture goes on."""
        return self._on_sample(sink, self._video)

    def on_new_audio_sample(self, sink: Any) -> Any:
        """The same for sound, raw or encoded."""
        return self._on_sample(sink, self._audio)

    def _on_appsrc_need_data(self, src: Any, length: int) -> None:
        """For an appsrc's ``need-data``. Nothing to do: frames are pushed when they are due."""

    def _on_audio_appsrc_need_data(self, src: Any, length: int) -> None:
        """The same for sound."""

    def start_buffer_thread(self) -> None:
        """From now on frames leave when they are due. Those whose time has passed already are left out.

        Frames are taken from the first sample on, whether this has been called or not.
        """
        for track in (self._video, self._audio):
            track.start()

    def stop_buffer_thread(self) -> None:
        """Stops at once and lets go of everything; what was held is not shown, and what comes is not taken.

        May be called again; :meth:`start_buffer_thread` begins anew.
        """
        for track in (self._video, self._audio):
            track.stop()
        with self._lock:
            self._time = None

    def clear_buffers(self) -> None:
        """Throws away what is held. The next frame leaves ``buffer_duration`` after its capture, as always."""
        for track in (self._video, self._audio):
            track.clear()

    def get_stats(self) -> dict[str, Any]:
        """The books, now.

        Returns:
            ``frames_received`` and ``frames_sent``; ``frame_buffer_size`` and ``frame_buffer_capacity``: frames held
            now, and at the most; ``display_buffer_duration``: s of video from the oldest held frame to the newest;
            ``current_playback_time``: PTS of the frame that was handed on last, s, None before the first;
            ``active_references``: buffers of both streams that are held; ``memory_type``: as the caps call it, such as
            "memory:NVMM", "system" for plain memory, None before the first frame.
        """
        video, audio = self._video, self._audio
        line = video.line
        return {
            "frames_received": video.received,
            "frames_sent": video.sent,
            "frame_buffer_size": line.held_frames if line else 0,
            "frame_buffer_capacity": line.plan.frames if line else 0,
            "display_buffer_duration": line.span_ns / SECOND if line else 0.0,
            "current_playback_time": None if video.last_pts is None else video.last_pts / SECOND,
            "active_references": sum(track.line.held_frames for track in (video, audio) if track.line),
            "memory_type": _memory_type(video.caps),
        }

    def get_extended_stats(self) -> dict[str, Any]:
        """:meth:`get_stats` and more.

        Returns:
            also ``audio_received``, ``audio_sent`` and ``audio_buffer_size`` (chunks); ``bytes_held`` and
            ``bytes_planned`` of video; ``peak_frames``; ``frames_dropped`` and ``audio_dropped``: counts by reason;
            ``frames_without_pts``: placed by their arrival; ``state``: of the player, such as "filling" or "playing";
            ``buffer_duration``: s; ``emergency``: the line that the emergency callback got, or None.
        """
        video, audio = self._video, self._audio
        line, sound = video.line, audio.line
        return {
            **self.get_stats(),
            "audio_received": audio.received,
            "audio_sent": audio.sent,
            "audio_buffer_size": sound.held_frames if sound else 0,
            "bytes_held": line.held_bytes if line else 0,
            "bytes_planned": line.plan.total_bytes if line else 0,
            "peak_frames": line.peak_frames if line else 0,
            "frames_dropped": video.dropped,
            "audio_dropped": audio.dropped,
            "frames_without_pts": video.unstamped,
            "state": line.player.state.value if line else "idle",
            "buffer_duration": self.buffer_duration,
            "emergency": self._alarmed,
        }

    def _on_sample(self, sink: Any, track: Track) -> Any:
        try:
            sample = sink.emit("pull-sample")
            if sample is not None:
                time, paused_ns = self._time_of(sink)
                track.take(sample, time, paused_ns)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer
            self._alarm(
                str(error) if isinstance(error, TouchlineError) else f"{type(error).__name__}: {error}"
            )
        return Gst.FlowReturn.OK

    def _time_of(self, sink: Any) -> tuple[SharedTime, int]:
        """The time of both pipelines, and how long the capture has paused since it began, ns."""
        base_time = sink.get_base_time()
        with self._lock:
            if self._time is None:
                playback = self._playback()
                lead_ns = _LEAD_NS if playback is None or _paces(playback) else 0
                self._time = SharedTime(sink.get_clock() or system_clock(), base_time, lead_ns)
                self._share_time(self._time)
            return self._time, base_time - self._time.base_time

    def _share_time(self, time: SharedTime) -> None:
        """Gives the playback pipeline the capture's time plus the delay, in whatever state it is."""
        playback = self._playback()
        if playback is None:
            return
        if isinstance(playback, Gst.Pipeline):
            playback.use_clock(time.clock)
        # What plays already is not told by its bin before the next change of state.
        for element in (playback, *playback.iterate_recurse()):
            element.set_clock(time.clock)
            element.set_base_time(time.base_time + self._delay_ns)

    def _alarm(self, line: str) -> None:
        with self._lock:
            if self._alarmed is not None:
                return
            self._alarmed = line
        if self._emergency is not None:
            self._emergency(line)


BufferManager = NVMMBufferManager


def _paces(pipeline: Any) -> bool:
    """Whether anything in a pipeline waits for the clock; otherwise frames are handed on when they are due."""
    return any(
        has_property(element, "sync") and element.get_property("sync")
        for element in pipeline.iterate_recurse()
    )


def _memory_type(caps: Any) -> str | None:
    if caps is None:
        return None
    features = caps.get_features(0)
    return (
        "system"
        if features is None or features.contains("memory:SystemMemory")
        else str(features.to_string())
    )
