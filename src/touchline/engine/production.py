"""A run: builds every part from the configuration, starts them on one timeline, watches them, ends them in order.

::

    feed -> stitch worker -> store -> player -> showing -> programme
                               |                  ^
                               +-> analysis -> director
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from touchline.capture import waiting_pictures
from touchline.config import RunConfig
from touchline.delay import (
    DelayMeter,
    FastTimeline,
    FrameStore,
    LiveTimeline,
    MemoryPlan,
    Player,
    State,
    Timeline,
)
from touchline.director.views import ViewChoice, parse_view
from touchline.engine.rigs import Say
from touchline.engine.scene import Scene, build_scene
from touchline.engine.showing import Showing
from touchline.engine.stitching import StitchWorker
from touchline.engine.viewing import (
    ANALYSIS_SLACK_S,
    Viewing,
    build_viewing,
    full_window,
    programme_size,
)
from touchline.errors import ConfigurationError, InputError, OutputError, TouchlineError
from touchline.gst.caps import VideoCaps, packed_bytes
from touchline.gst.library import SECOND
from touchline.gst.mapping import read_nv12, write_nv12
from touchline.gst.pipelines import system_clock
from touchline.gst.pools import FramePool
from touchline.panorama.workers import Workers
from touchline.programme.encoders import EncoderSettings
from touchline.programme.outputs import OutputStatus
from touchline.programme.programme import Programme
from touchline.programme.specs import OutputSpec, check_all
from touchline.telemetry.memory import available_bytes

# Left to the rest of the machine when a plan is compared with what is free.
HEADROOM_BYTES = 256_000_000
_DECODER_FRAMES = 8  # that a decoder and the elements behind it hold of each camera
_FINISH_S = 60.0
_STOP_S = 2.0
# With a shorter delay frames would be gone before the analysis comes to them.
_SHORT_DELAY_S = 1.0


class Production:
    """One run.

    Args:
        config: what is wanted.
        say: tells a person what is going on, one line at a time.
        progress: called with frames allocated and frames in all, while the pool is made.

    Attributes:
        plan: the memory plan.
        scene: what is filmed.
        programme: what leaves.
        meter: the delay, as measured; None before the start.
        base_time: the clock's time, ns, at the capture's running time zero; None before the start.
        error: what failed; None if nothing did.

    Raises:
        TouchlineError: of the kind that says which part can't be had; nothing runs then.
    """

    def __init__(
        self, config: RunConfig, say: Say = lambda _: None, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self.config = config
        self.error: TouchlineError | None = None
        self.meter: DelayMeter | None = None
        self.base_time: int | None = None
        self.notes: list[str] = []
        self._say = say
        self._clock = system_clock()
        self._ending = threading.Event()
        self._closed = False
        choice = check_settings(config)
        self._workers = Workers()
        try:
            self.scene: Scene = build_scene(config, self._workers, self._clock, say)
        except BaseException:
            self._workers.close()
            raise
        try:
            size = programme_size(config, choice, self.scene.panorama)
            self.programme = self._build_programme(size)
            direct = choice.kind == "panorama" and size == (self.scene.caps.width, self.scene.caps.height)
            self.plan = self._plan(direct)
            self._check(self.plan)
            self.pool = FramePool(self.scene.caps, self.plan.frames, "panorama pool")
            self.store = FrameStore(
                self.plan.frames, self.pool.frame_bytes, round(self.plan.history_s * SECOND)
            )
            self._programme_pool = None if direct else self._make_programme_pool()
            self.viewing: Viewing = build_viewing(
                config,
                choice,
                self.scene.panorama,
                size,
                self.store,
                full_window(self.plan),
                self.pool.layout,
                self._workers,
                self._analysis_failed,
            )
            self.pool.start(progress)
            if self._programme_pool:
                self._programme_pool.start()
            self._warm_up()
        except BaseException:
            self.scene.feed.stop()
            self._workers.close()
            raise
        self.showing = Showing(self.viewing.render, self.pool, self._programme_pool, self.programme.push)
        live = config.pace == "live"
        self.stitching = StitchWorker(
            self.scene.feed, self.scene.compose, self.pool, self.store, waits=not live, on_failed=self._failed
        )
        self.player: Player | None = None

    @property
    def delay_ns(self) -> int:
        return round(self.config.delay * SECOND)

    def start(self) -> None:
        """Lets frames come. The first one is shown one delay after its capture.

        Raises:
            OutputError: if an output can't be opened.
        """
        try:
            # First, because it may take long: from the capture's base time on, frames come.
            self.programme.start(self._clock.get_time())
        except TouchlineError:
            self.close()
            raise
        base_time = self.base_time = self.scene.feed.start(self._clock)
        self.programme.move(base_time + self.delay_ns)
        self.meter = DelayMeter(base_time + self.delay_ns, self.programme.caps.frame_ns, self.config.delay)
        self.player = Player(self.store, self._timeline(base_time), self.showing.show, on_failed=self._failed)
        self.player.start()
        if self.viewing.analysis:
            self.viewing.analysis.start()
        self.stitching.start()

    def wait(self, timeout_s: float) -> bool:
        """Waits until the last frame has left or something has failed; True then. Measures meanwhile."""
        done = self.player is None or self.player.wait(timeout_s)
        self.measure()
        return done or self._ending.is_set()

    def measure(self) -> None:
        """Takes in what has been shown since the last call."""
        if self.meter:
            self.meter.note(self.programme.passages())

    def end(self) -> None:
        """Takes no more frames in; those that are here are still shown, on time. For Ctrl-C."""
        self.scene.feed.end()

    def abort(self) -> None:
        """Stops at once; files are closed as they are. For the second Ctrl-C."""
        self._ending.set()

    def close(self) -> None:
        """Ends every part in order; files are finished if the last frame has left. May be called again."""
        if self._closed:
            return
        self._closed = True
        finished = self.player is not None and self.player.state is State.DONE
        self.scene.feed.stop()
        self.pool.flush()
        if self._programme_pool and not finished:
            self._programme_pool.flush()
        self.stitching.stop()
        if self.player:
            self._stop_player(self.player, finished)
        if self.viewing.analysis:
            self.viewing.analysis.stop()
        self.programme.finish(_FINISH_S if finished else _STOP_S)
        self.measure()
        self.programme.stop()
        self.store.close()
        self._note_failures()

    def release(self) -> None:
        """Gives the memory back; after :meth:`close`, when the books have been read."""
        self.pool.stop()
        if self._programme_pool:
            self._programme_pool.stop()
        self._workers.close()

    def _warm_up(self) -> None:
        """Renders a picture that nobody sees, so that the kernels are compiled before the first frame comes."""
        self.scene.warm_up()
        if self.viewing.warm_up and self._programme_pool:
            panorama, picture = self.pool.acquire(), self._programme_pool.acquire()
            with (
                read_nv12(panorama, self.pool.layout) as source,
                write_nv12(picture, self._programme_pool.layout) as out,
            ):
                self.viewing.warm_up(source, out)

    def _stop_player(self, player: Player, finished: bool) -> None:
        if not finished:
            # It may be waiting for room in the programme: that goes away first.
            self.programme.finish(_STOP_S)
        player.stop()

    def _timeline(self, base_time: int) -> Timeline:
        if self.config.pace == "fast":
            return FastTimeline(self.store, self.delay_ns, full_window(self.plan))
        return LiveTimeline(self._clock, base_time, self.delay_ns, round(self.config.lead_s * SECOND))

    def _build_programme(self, size: tuple[int, int]) -> Programme:
        config = self.config
        return Programme(
            VideoCaps(*size, self.scene.caps.fps, self.scene.caps.colorimetry),
            outputs_of(config),
            paced=config.pace == "live",
            encoder=EncoderSettings(bitrate_kbps=config.bitrate, speed_preset=config.preset),
            overwrite=config.overwrite,
            ahead_s=config.lead_s + 0.1,
            on_output_failed=self._output_failed,
            on_note=self._note,
        )

    def _plan(self, direct: bool) -> MemoryPlan:
        caps, config = self.scene.caps, self.config
        others = []
        frame_bytes = packed_bytes("NV12", self.programme.caps.width, self.programme.caps.height)
        if not direct:
            others.append(("programme frames", self._programme_frames() * frame_bytes))
        if self.programme.encoder:
            others.append(("encoder", self.programme.encoder.own_bytes(frame_bytes)))
        inputs = sum(
            (waiting_pictures(info) + _DECODER_FRAMES) * info.width * info.height * 3 // 2
            for info in self.scene.infos
        )
        others.append(("decoded pictures", inputs))
        return MemoryPlan(
            caps.width,
            caps.height,
            float(caps.fps),
            config.delay,
            history_s=ANALYSIS_SLACK_S if config.view == "follow" and config.delay < _SHORT_DELAY_S else 0.0,
            in_flight=3 + (self.programme.in_flight if direct else 0),
            reserve=max(4, math.ceil(caps.fps / 4)),
            frame_bytes=FramePool(caps, 1).frame_bytes,
            other=tuple(others),
        )

    def _check(self, plan: MemoryPlan) -> None:
        free = available_bytes() - HEADROOM_BYTES
        if self.config.memory_limit is not None and self.config.memory_limit < free:
            plan.check(self.config.memory_limit, "are allowed (--memory-limit)")
        plan.check(free)

    def _programme_frames(self) -> int:
        return self.programme.in_flight + 2

    def _make_programme_pool(self) -> FramePool:
        return FramePool(self.programme.caps, self._programme_frames(), "programme pool")

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self._say(text)

    def _analysis_failed(self, error: Exception) -> None:
        self._note(
            f"The analysis stopped ({type(error).__name__}: {error}); the camera goes to its wide view"
        )

    def _output_failed(self, status: OutputStatus) -> None:
        self._note(f"An output is lost: {status.error}")

    def _failed(self, error: Exception) -> None:
        if self.error is None and not self._ending.is_set():
            if isinstance(error, TouchlineError):
                self.error = error
            else:
                self.error = TouchlineError(f"internal error: {type(error).__name__}: {error}")
                self.error.__cause__ = error
        self._ending.set()

    def _note_failures(self) -> None:
        """What went wrong on the way without ending the run decides the exit code all the same."""
        if self.error is None and self.scene.feed.failure:
            self.error = InputError(self.scene.feed.failure)
        if self.error is None and self.programme.failure:
            self.error = OutputError(self.programme.failure)
        lost = [status for status in self.programme.outputs if status.error]
        if self.error is None and lost:
            self.error = OutputError("; ".join(status.error or "" for status in lost))


def outputs_of(config: RunConfig) -> list[OutputSpec]:
    """What is to leave. Raises ConfigurationError for what can't be served."""
    outputs = [OutputSpec("record", str(path)) for path in config.record]
    outputs += [OutputSpec("stream", url) for url in config.stream]
    outputs += [OutputSpec("display")] if config.display else []
    outputs += [OutputSpec("webcam", device) for device in config.webcam]
    return outputs


def check_settings(config: RunConfig) -> ViewChoice:
    """Looks at what can be judged without a camera. Raises ConfigurationError for what can't be used."""
    choice = parse_view(config.view)
    programme_size(config, choice, None)
    check_all(outputs_of(config))
    _check_files(config)
    return choice


def _check_files(config: RunConfig) -> None:
    """Nothing is written over what is read, and everything has a folder to go to."""
    inputs = [text for text in (config.left, config.right, config.panorama) if text]
    read = {
        Path(unquote(text.removeprefix("file://"))).resolve()
        for text in inputs
        if "://" not in text or text.startswith("file://")
    }
    read |= {config.rig.resolve()} if config.rig else set()
    written = [*config.record, *([config.report] if config.report else [])]
    for path in written:
        if path.resolve() in read:
            raise ConfigurationError(
                f"{path} is an input and can't be written at the same time; choose another name"
            )
    if config.report and not config.report.absolute().parent.is_dir():
        raise ConfigurationError(
            f"--report {config.report}: there is no folder {config.report.absolute().parent}"
        )
