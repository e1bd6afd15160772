"""A run: builds every part from the configuration, starts them on one timeline, watches them, ends them in order.

::

    feed -> stitch worker -> store -+-> player -> showing -> programme      (a channel)
                                    +-> player -> showing -> programme      (another one)
                                    +-> analysis -> directors
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from touchline.capture import CameraFeed
from touchline.config import ProgrammeSettings, RunConfig
from touchline.delay import DelayMeter, FastTimeline, FrameStore, LiveTimeline, Player, ReplayPlayer, Timeline
from touchline.delay.replay import longest_replay_ns
from touchline.director.views import ViewChoice
from touchline.engine.backend import Backend, choose_backend
from touchline.engine.channel import Channel
from touchline.engine.heap import Heap
from touchline.engine.hearing import FORMAT, Hearing, kept_s
from touchline.engine.holding import EncodedWindow, LoanedWindow, Window
from touchline.engine.passing import PassWorker
from touchline.engine.planning import Settled, kept_frames, settle
from touchline.engine.rigs import Say
from touchline.engine.scene import Scene, build_scene
from touchline.engine.settings import check_settings
from touchline.engine.showing import Showing
from touchline.engine.stitching import StitchWorker
from touchline.engine.viewing import full_window
from touchline.engine.watching import Watch, Watched, watch_store
from touchline.errors import ConfigurationError, InputError, OutputError, TouchlineError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.gst.pools import FramePool
from touchline.programme.outputs import OutputStatus
from touchline.programme.programme import Programme
from touchline.telemetry.gpu import GpuProbe

_FINISH_S = 60.0


class Production:
    """One run.

    Args:
        config: what is wanted.
        say: tells a person what is going on, one line at a time.
        progress: called with frames allocated and frames in all, while the pool is made.

    Attributes:
        plan: the memory plan.
        scene: what is filmed.
        channels: the programmes; the first one is the one that the flags speak of.
        backend: where the frames lie and the work on them is done.
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
        self.base_time: int | None = None
        self.notes: list[str] = []
        self.gpu = GpuProbe()
        self._say = say
        self._heap = Heap()
        self._clock = system_clock()
        self._ending = threading.Event()
        self._closed = False
        self._live = config.pace == "live"
        choices = check_settings(config)
        self.backend = self._choose_backend()
        self.hearing = Hearing(config.audio, _sound_s(config), fast=not self._live, on_note=self._note)
        try:
            self.scene: Scene = self._open_scene()
        except BaseException:
            self.hearing.stop()
            self.backend.close()
            raise
        try:
            self._open_sound()
            self.channels = [
                self._make_channel(name, settings, choices[name])
                for name, settings in config.programmes.items()
            ]
            settled = settle(config, self.scene, self.channels, self.backend, self._note)
            self.plan = settled.plan
            self._build(settled, progress)
        except BaseException:
            self.hearing.stop()
            self.scene.feed.stop()
            self.backend.close()
            raise

    @property
    def main(self) -> Channel:
        """The programme that the flags speak of."""
        return self.channels[0]

    @property
    def programme(self) -> Programme:
        """What leaves of the main programme."""
        return self.main.programme

    @property
    def player(self) -> Player | None:
        """The main programme's player; None before the start."""
        player = self.main.player
        return player if isinstance(player, Player) else None

    @property
    def meter(self) -> DelayMeter | None:
        """The main programme's delay, as measured; None before the start."""
        return self.main.meter

    @property
    def showing(self) -> Showing:
        """What the main programme has shown."""
        return self.main.showing

    @property
    def pool(self) -> FramePool:
        """Where the panoramas come from."""
        return self.window.pool

    @property
    def store(self) -> FrameStore:
        """Where the window is."""
        return self.window.held

    @property
    def pools(self) -> list[FramePool]:
        """Every pool of frames."""
        return [*self.window.pools, *(pool for channel in self.channels for pool in channel.pools)]

    def start(self) -> None:
        """Lets frames come. The first one is shown one delay after its capture.

        Raises:
            OutputError: if an output can't be opened.
        """
        if self._live:
            self._heap.spare()
        try:
            # First, because it may take long: from the capture's base time on, frames come.
            for channel in self.channels:
                channel.programme.start(self._clock.get_time())
        except TouchlineError:
            self.close()
            raise
        base_time = self.base_time = self.scene.feed.start(self._clock)
        for channel in self.channels:
            store = self.window.store_of(channel)
            channel.start(store, self._timeline(channel, base_time), base_time, self._failed)
        self.hearing.start(self._clock, base_time)
        self.window.start()
        if self.watch:
            self.watch.worker.start()
        if self.scene.drift:
            self.scene.drift.start()
        self.stitching.start()

    def wait(self, timeout_s: float) -> bool:
        """Waits until the last frame has left or something has failed; True then. Measures meanwhile."""
        waiting = [channel.player for channel in self.channels if channel.player]
        # One after the other: whoever waits for the slowest has waited for all.
        done = all(player.wait(timeout_s / len(waiting)) for player in waiting)
        self.measure()
        return done or self._ending.is_set()

    def measure(self) -> None:
        """Takes in what has been shown since the last call."""
        for channel in self.channels:
            channel.measure()
        if self.backend.domain.feature is not None:
            self.gpu.now()  # for the most that is ever in use

    def end(self) -> None:
        """Takes no more frames in; those that are here are still shown, on time. For Ctrl-C."""
        self.scene.feed.end()

    def abort(self) -> None:
        """Stops at once; files are closed as they are. For the second Ctrl-C."""
        self._ending.set()

    def dump(self) -> None:
        """Throws away what no programme has shown yet: each shows a slate until new frames are due."""
        self.window.dump()
        for channel in self.channels:
            if channel.player:
                channel.player.dump()
        self._note("Dumped: what was filmed until now and not shown yet will not be shown")

    def replay(self, seconds: float, speed: float = 1.0) -> None:
        """Shows the last seconds of the main programme again, on every programme that is there for replays.

        Raises:
            ConfigurationError: if there is none, the speed is out of range, nothing of that time was shown or is
                held, or the replays before it are too long.
        """
        screens = [channel.player for channel in self.channels if isinstance(channel.player, ReplayPlayer)]
        if not screens:
            raise ConfigurationError("no programme shows replays; give one with replay = true in --config")
        last = self.player.shown_pts if self.player else None
        if last is None:
            raise ConfigurationError("nothing has been shown yet that could be shown again")
        for screen in screens:
            screen.replay(max(0, last - round(seconds * SECOND)), last, speed)
        self._note(f"Replay of the last {seconds:g} s at {speed:g} x")

    def close(self) -> None:
        """Ends every part in order; files are finished if the last frame has left. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._heap.search()
        if not all(channel.finished for channel in self.channels):
            self.hearing.stop()  # whoever waits for room for sound would hold up the rest
        for channel in self.channels:
            channel.finish_sound()  # the cameras may be waiting for room for more of it
        self.scene.feed.stop()
        self.window.flush()
        self.stitching.stop()
        if self.scene.drift:
            self.scene.drift.stop()
        for channel in self.channels:
            channel.stop_playing()
        if self.watch:
            self.watch.worker.stop()
        for channel in self.channels:
            channel.finish(_FINISH_S)
        self.hearing.stop()
        self.window.close()
        self._note_failures()

    def release(self) -> None:
        """Gives the memory back; after :meth:`close`, when the books have been read."""
        self.window.release()
        for channel in self.channels:
            channel.release()
        self.backend.close()

    def _build(self, settled: Settled, progress: Callable[[int, int], None] | None) -> None:
        scene = self.scene
        self.window = self._window(settled)
        window = self.window
        self.watch: Watch | None = None
        if scene.pairs is not None:
            scene.pairs.lights.keep(kept_frames(self.config, self.plan))
        if self.config.tracks or any(channel.needs_watch for channel in self.channels):
            self.watch = self._make_watch(longest_replay_ns(round(self.config.history * SECOND)))
        is_full = None if self._live else self._is_full
        for channel in self.channels:
            channel.prepare(window.layout, self.watch, is_full)
        window.allocate(progress)
        self._warm_up()
        self.stitching: StitchWorker | PassWorker
        if isinstance(window, LoanedWindow):
            self.stitching = PassWorker(scene.feed, window.intake, on_failed=self._failed)
            return
        self.stitching = StitchWorker(
            scene.feed,
            scene.compose,
            window.pool,
            window.raw,
            waits=not self._live,
            on_failed=self._failed,
            sizes=[(info.width, info.height) for info in scene.infos],
            substitutes=self.backend.substitutes,
        )

    def _choose_backend(self) -> Backend:
        return choose_backend(self.config, self._say)

    def _open_scene(self) -> Scene:
        return build_scene(self.config, self.backend, self._clock, self._note, self.hearing)

    def _make_channel(self, name: str, settings: ProgrammeSettings, choice: ViewChoice) -> Channel:
        return Channel(
            name,
            settings,
            choice,
            self.scene.panorama,
            self.scene.caps,
            self.backend,
            fast=not self._live,
            overwrite=self.config.overwrite,
            on_output_failed=self._output_failed,
            on_note=self._note,
            rate_known=self.scene.rate_known,
            sound=self.hearing.store if self.hearing.heard and not settings.shows_replays else None,
            pairs=self.scene.pairs,
        )

    def _make_watch(self, replayed_ns: int) -> Watch:
        scene, window = self.scene, self.window
        field = scene.rig.outline if scene.rig else None
        watched = Watched(window.raw, window.layout, scene.panorama, self.backend, scene.pairs, field)
        return watch_store(
            watched,
            self.config,
            holds=not self._live,
            replayed_ns=replayed_ns,
            hurried=self._is_hurried,
            say=self._say,
            note=self._note,
        )

    def _warm_up(self) -> None:
        """Does what every frame needs, on nothing, so that the kernels are there when the first one comes."""
        self.scene.warm_up()
        if self.watch:
            self.watch.warm_up()
        frame = self.window.pool.acquire()
        for channel in self.channels:
            channel.warm_up(frame, self.window.layout)

    def _open_sound(self) -> None:
        scene, duration = self.scene, self.config.duration
        samples = None if duration is None else FORMAT.sample_at(round(duration * SECOND))
        self.hearing.open(self._clock, scene.sound, scene.render_sound, samples)

    def _window(self, settled: Settled) -> Window:
        """Where the frames wait: those that are stitched here in our own pool, whatever is asked for."""
        caps = self.scene.caps
        if settled.codec is not None:
            return EncodedWindow(caps, self.plan, self.backend, settled.codec, self.channels, self._failed)
        if self.scene.rig is not None or self.config.hold == "copy":
            return Window(caps, self.plan, self.backend)
        if isinstance(self.scene.feed, CameraFeed):
            for line in self.scene.feed.ask_depth(self.plan.frames):
                self._note(f"Depth: {line}")
        return LoanedWindow(
            caps,
            self.plan,
            self.backend,
            "the panorama",
            careful=self.config.hold == "auto",
            limit=self.config.memory_limit,
            waits=not self._live,
            on_failed=self._failed,
            on_note=self._note,
        )

    def _is_hurried(self) -> bool:
        """There is too little processor for the pictures; what can do with less of it should."""
        players = [channel.player for channel in self.channels]
        late = any(player.hurried for player in players if isinstance(player, Player))
        return late or self.stitching.hurried

    def _is_full(self, pts: int) -> bool:
        return self.window.held.count_from(pts) >= full_window(self.plan)

    def _timeline(self, channel: Channel, base_time: int) -> Timeline:
        if not self._live:
            return FastTimeline(self.window.held, full_window(self.plan))
        return LiveTimeline(self._clock, base_time, round(channel.settings.lead_s * SECOND))

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self._say(text)

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
        failures = [channel.programme.failure for channel in self.channels if channel.programme.failure]
        if self.error is None and failures:
            self.error = OutputError("; ".join(failures))
        lost = [status for channel in self.channels for status in channel.programme.outputs if status.error]
        if self.error is None and lost:
            self.error = OutputError("; ".join(status.error or "" for status in lost))


def _sound_s(config: RunConfig) -> float:
    """How much sound is kept."""
    shown = [settings for settings in config.programmes.values() if not settings.shows_replays]
    return kept_s(max(s.longest_s for s in shown), max(s.lead_s for s in shown))
