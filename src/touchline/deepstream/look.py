"""Where the play is, in the DeepStream way: movement in a small picture, which is all that leaves NVMM memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from touchline.analysis.log import MotionLog
from touchline.analysis.motion import MotionDetector
from touchline.counters import BusBytes, Durations
from touchline.deepstream.elements import converter
from touchline.deepstream.settings import DeepStreamSettings
from touchline.geometry import Panorama
from touchline.gst.caps import PlaneLayout
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.mapping import read_nv12

_WIDTH = 960  # pixels of the small picture, about; the detector reduces it further


class MotionLook:
    """A branch of the capture: one small picture in every period is brought into plain memory and looked at.

    ::

        queue -> converter (scales, brings down) -> NV12 in plain memory -> appsink

    Which frames are looked at depends on their PTS alone, as in :class:`~touchline.analysis.worker.AnalysisWorker`;
    the others are left out before the converter sees them.

    Args:
        panorama: what is filmed.
        log: where movement is noted; closed at the end.
        settings: the elements.
        holds: frames wait for it, as they may at fast pace; otherwise it takes what it has time for.
        period_s: between two pictures.
        bus: counts what is brought into plain memory.
        on_failed: called with the exception if the detector raises; the programme goes on without it.
    """

    def __init__(
        self,
        panorama: Panorama,
        log: MotionLog,
        settings: DeepStreamSettings,
        *,
        holds: bool,
        period_s: float = 0.1,
        bus: BusBytes | None = None,
        on_failed: Callable[[Exception], None],
    ) -> None:
        self.durations = Durations()
        self.observed = 0
        scale = max(1, round(panorama.width / _WIDTH))
        width, height = panorama.width // scale // 2 * 2, panorama.height // scale // 2 * 2
        self._caps = Gst.Caps.from_string(f"video/x-raw,format=NV12,width={width},height={height}")
        self._detector = MotionDetector(panorama.scaled(width, height))
        self._log = log
        self._settings = settings
        self._holds = holds
        self._period_ns = round(period_s * SECOND)
        self._bus = bus or BusBytes()
        self._bus.down.add("analysis", 0)
        self._on_failed = on_failed
        self._due = 0
        self._stopped = False

    def elements(self, caps: Any) -> list[Any]:
        entry = make("queue", "look-queue", max_size_buffers=1, max_size_bytes=0, max_size_time=0)
        if not self._holds:
            Gst.util_set_object_arg(entry, "leaky", "downstream")
        entry.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._choose)
        sink = make(
            "appsink", sync=False, max_buffers=1, emit_signals=True, async_=False, enable_last_sample=False
        )
        sink.connect("new-sample", self._take)
        sink.connect("eos", lambda _: self._log.close())
        return [entry, *converter(self._settings.converter, self._caps), sink]

    def start(self) -> None:
        """Nothing to do: it runs with the capture."""

    def stop(self) -> None:
        """Closes the log, so that nobody waits for it. May be called again."""
        self._stopped = True
        self._log.close()

    def _choose(self, _pad: Any, info: Any) -> Any:
        """Lets one frame of each period through; called by GStreamer."""
        pts = info.get_buffer().pts
        if pts < self._due:
            return Gst.PadProbeReturn.DROP
        self._due = (pts // self._period_ns + 1) * self._period_ns
        return Gst.PadProbeReturn.OK

    def _take(self, sink: Any) -> Any:
        """Called by GStreamer with each small picture; nothing may be thrown back into it."""
        sample = sink.emit("pull-sample")
        if sample is None or self._stopped:
            return Gst.FlowReturn.OK
        try:
            self._observe(sample)
        except Exception as error:  # noqa: BLE001 - the programme goes on without analysis, and says so
            if not self._stopped:
                self.stop()
                self._on_failed(error)
        return Gst.FlowReturn.OK

    def _observe(self, sample: Any) -> None:
        buffer = sample.get_buffer()
        pts = sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts)
        self._bus.down.add("analysis", buffer.get_size())
        newest = self._log.newest_pts
        if newest is not None and pts <= newest:
            return
        with self.durations.measure(), read_nv12(buffer, PlaneLayout.from_caps(sample.get_caps())) as picture:
            self._log.append(self._detector.observe(picture.y, pts))
        self.observed += 1
