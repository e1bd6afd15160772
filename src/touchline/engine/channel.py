"""A channel: one programme of a production, with its own delay, view and outputs, on the store that all share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from touchline.config import ProgrammeSettings
from touchline.delay import DelayMeter, FrameStore, Player, ReplayPlayer, Rules, State, Timeline
from touchline.delay.sound import SoundStore
from touchline.delay.sound_follower import SoundFollower
from touchline.director.views import ViewChoice
from touchline.engine.backend import Backend
from touchline.engine.hearing import lag_ns
from touchline.engine.notebook import BACK_NS, Notebook, Recorded
from touchline.engine.pairs import Pairs
from touchline.engine.showing import Showing
from touchline.engine.slates import CARDS, Slates
from touchline.engine.viewing import Hindsight, Viewing, build_viewing, horizon_s, programme_size
from touchline.engine.watching import Watch, ground_of
from touchline.errors import OutputError
from touchline.geometry import Panorama
from touchline.gst.caps import PlaneLayout, VideoCaps, packed_bytes
from touchline.gst.library import SECOND
from touchline.gst.pools import FramePool
from touchline.programme.encoders import EncoderSettings
from touchline.programme.front import Front
from touchline.programme.outputs import OutputStatus
from touchline.programme.programme import Programme
from touchline.programme.specs import OutputSpec

STOP_S = 2.0
_PATIENCE_S = 0.5
_TAPE_PATIENCE_S = 5.0
_SOUND_PATIENCE_S = 10.0  # at fast pace: for sound that is still being decoded
# Of a frame that is held once more, beside what is on its way out.
_LAST_FRAME = 1


class Channel:
    """One programme.

    Args:
        name: for people and metrics.
        settings: what is wanted of it.
        choice: what it shows.
        panorama, caps: of the held frames; of what would be stitched of them, where they are pairs.
        backend: where they lie, and what renders.
        fast: as fast as the machine can instead of on the clock.
        overwrite: recordings replace earlier files.
        on_output_failed, on_note: see :class:`Programme`.
        sound: what was heard; None: the programme is silent.
        rate_known: whether the frame rate of ``caps`` is more than an assumption.
        pairs: what the held frames are, if they are the cameras' pictures themselves.

    Attributes:
        direct: the held frames themselves leave.
        player, meter: None before the start.

    Raises:
        TouchlineError: if it can't be served.
    """

    def __init__(
        self,
        name: str,
        settings: ProgrammeSettings,
        choice: ViewChoice,
        panorama: Panorama,
        caps: VideoCaps,
        backend: Backend,
        *,
        fast: bool,
        overwrite: bool,
        on_output_failed: Callable[[OutputStatus], None],
        on_note: Callable[[str], None],
        sound: SoundStore | None = None,
        rate_known: bool = True,
        pairs: Pairs | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.choice = choice
        self.player: Player | ReplayPlayer | None = None
        self.meter: DelayMeter | None = None
        self.delay_ns = round(settings.delay * SECOND)
        self._panorama = panorama
        self._backend = backend
        self._fast = fast
        self._rate_known = rate_known
        self._pairs = pairs
        size = programme_size(settings, choice, panorama)
        self.direct = choice.kind == "panorama" and size == (caps.width, caps.height)
        self.caps = VideoCaps(*size, caps.fps, caps.colorimetry)
        self._sound = sound
        self.follower: SoundFollower | None = None
        self.programme = self._make_programme(overwrite, on_output_failed, on_note)
        self.slates = self._make_slates()
        self.pool = self._make_pool()
        self.viewing = Viewing(None)
        self.showing: Showing
        self.notebook: Notebook | None = None
        self._overwrite, self._on_note = overwrite, on_note

    def _make_programme(
        self,
        overwrite: bool,
        on_output_failed: Callable[[OutputStatus], None],
        on_note: Callable[[str], None],
        front: Front | None = None,
    ) -> Programme:
        settings = self.settings
        return Programme(
            self.caps,
            outputs_of(settings),
            paced=not self._fast,
            encoder=EncoderSettings(bitrate_kbps=settings.bitrate, speed_preset=settings.preset),
            overwrite=overwrite,
            ahead_s=settings.lead_s + 0.1,
            on_output_failed=on_output_failed,
            on_note=on_note,
            sound=self._sound.format if self._sound else None,
            domain=self._backend.domain,
            bus=self._backend.bus,
            front=front,
        )

    def _make_slates(self) -> Slates | None:
        settings, backend = self.settings, self._backend
        if settings.slate == "off" and not settings.shows_replays:
            return None
        return Slates(self.caps, settings.slate_image, f"{self.name} slates", backend.domain, backend.bus)

    def _make_pool(self) -> FramePool | None:
        """Of the programme's pictures, unless the held frames themselves leave."""
        if self.direct:
            return None
        frames = self.programme.in_flight + 2
        return FramePool(self.caps, frames, f"{self.name} programme pool", self._backend.domain)

    @property
    def needs_watch(self) -> bool:
        """True if it looks where the play is."""
        return self.choice.kind == "follow"

    @property
    def in_flight(self) -> int:
        """How many of the held frames it may have at once beside those that wait."""
        return _LAST_FRAME + (self.programme.in_flight if self.direct else 0)

    @property
    def own_bytes(self) -> list[tuple[str, int]]:
        """Memory of the frames' kind that it takes for itself, by name."""
        frames = (self.pool.frames if self.pool else 0) + (CARDS if self.slates else 0)
        own = [("programme frames", frames * self._backend.frame_bytes(self.caps))] if frames else []
        if self.programme.encoder and self._backend.domain.feature is None:
            own.append(("encoder", self.encoder_bytes))
        return own

    @property
    def encoder_bytes(self) -> int:
        """Plain memory that its encoder takes."""
        encoder = self.programme.encoder
        return encoder.own_bytes(packed_bytes("NV12", self.caps.width, self.caps.height)) if encoder else 0

    @property
    def pools(self) -> list[FramePool]:
        """The pools that it has."""
        slates = [self.slates.pool] if self.slates else []
        return ([self.pool] if self.pool else []) + slates

    @property
    def finished(self) -> bool:
        """True once the last frame has been given to the programme."""
        return self.player is not None and self.player.state is State.DONE

    def shorten(self, delay_s: float) -> None:
        """Before the start: never later than so many seconds."""
        delay, longest = min(self.settings.delay, delay_s), min(self.settings.longest_s, delay_s)
        self.settings = self.settings.model_copy(update={"delay": delay, "max_delay": longest})
        self.delay_ns = round(delay * SECOND)

    def prepare(
        self,
        layout: PlaneLayout,
        watch: Watch | None,
        is_full: Callable[[int], bool] | None,
    ) -> None:
        """Allocates what it needs and builds the way from a held frame to the programme.

        Raises:
            TouchlineError: if memory runs out or the view fits no panorama.
        """
        self.viewing = self._make_viewing(watch, is_full)
        if self.pool:
            self.pool.start()
        if self.slates:
            self.slates.start()
        if self._sound is not None:
            self.follower = SoundFollower(
                self._sound,
                self.programme.push_sound,
                patience_s=_SOUND_PATIENCE_S if self._fast else 0.0,
                lag_ns=lag_ns(self.delay_ns),
            )
        self.showing = self._make_showing(layout)
        self.notebook = self._make_notebook(watch, is_full)
        if self.notebook:
            self.showing.noted = self.notebook.shown

    def _make_notebook(self, watch: Watch | None, is_full: Callable[[int], bool] | None) -> Notebook | None:
        """Beside a recording, of a play that is known."""
        settings = self.settings
        if not settings.record or settings.shows_replays or watch is None or watch.play is None:
            return None
        style = watch.style(settings)
        recorded = Recorded(
            settings.record[0],
            (self.caps.width, self.caps.height),
            self.caps.fps,
            self._panorama,
            watch.field,
            ground_of(watch.field, style),
            self.choice.kind,
        )
        horizon_ns = round(horizon_s(settings) * SECOND)
        known = Hindsight(f"{self.name} notes", watch, BACK_NS, horizon_ns, is_full)
        return Notebook(
            recorded,
            watch.play,
            horizon_ns,
            known,
            self.viewing.hand,
            overwrite=self._overwrite,
            note=self._on_note,
        )

    def _make_viewing(self, watch: Watch | None, is_full: Callable[[int], bool] | None) -> Viewing:
        return build_viewing(
            self.name,
            self.settings,
            self.choice,
            self._panorama,
            (self.caps.width, self.caps.height),
            self._backend,
            watch,
            is_full,
            self._pairs,
        )

    def _make_showing(self, layout: PlaneLayout) -> Showing:
        return Showing(
            self.viewing.render,
            layout,
            self.pool,
            self.slates,
            self.caps.frame_ns,
            self.programme.push,
            self._hear if self.follower else None,
        )

    def warm_up(self, panorama: Any, layout: PlaneLayout) -> None:
        """Renders a picture that nobody sees, so that the kernels are compiled before the first frame comes."""
        if self.viewing.warm_up and self.pool:
            picture, domain = self.pool.acquire(), self.pool.domain
            with domain.reading(panorama, layout) as source, domain.writing(picture, self.pool.layout) as out:
                self.viewing.warm_up(source, out)

    def start(
        self,
        store: FrameStore,
        timeline: Timeline,
        base_time: int,
        on_failed: Callable[[Exception], None],
    ) -> None:
        """Begins to fill; the programme's outputs are open already.

        Args:
            store: what is played.
            timeline: when.
            base_time: of the capture, ns on the clock.
            on_failed: called if a picture can't be shown.
        """
        settings = self.settings
        # A programme that begins with a slate begins now; any other one with its first frame.
        origin = 0 if settings.slate == "start" or settings.shows_replays else self.delay_ns
        self.programme.move(base_time + origin)
        self.meter = DelayMeter(base_time + origin, self._meter_ns, settings.delay)
        if settings.shows_replays:
            self.player = ReplayPlayer(
                store,
                timeline,
                self.showing.show,
                frame_ns=self.caps.frame_ns,
                name=self.name,
                on_failed=on_failed,
            )
        else:
            self.player = Player(
                store,
                timeline,
                self.showing.show,
                delay_ns=self.delay_ns,
                frame_ns=self.caps.frame_ns,
                rules=self._rules(),
                longest_ns=round(settings.longest_s * SECOND),
                origin_ns=origin,
                name=self.name,
                patience_s=self._patience_s,
                on_failed=on_failed,
            )
        self.player.start()

    @property
    def _meter_ns(self) -> int:
        """Of a frame, to know a freeze by; 0 where the rate is only assumed."""
        return self.caps.frame_ns if self._rate_known else 0

    @property
    def _patience_s(self) -> float:
        """A recording wants every frame; who watches would rather have the next one on time."""
        outputs = self.programme.outputs
        return _TAPE_PATIENCE_S if outputs and all(o.kind == "record" for o in outputs) else _PATIENCE_S

    def _rules(self) -> Rules:
        settings = self.settings
        return Rules(
            fill=settings.slate != "off",
            slate_first=settings.slate == "start",
            slate_after_ns=round(settings.slate_after * SECOND),
        )

    def _hear(self, at: int, pts: int | None) -> None:
        """Sound for a cue, by the delay that there is now."""
        if self.follower and self.player:
            self.follower.lag_ns = lag_ns(self.player.delay_ns)
            self.follower.follow(at, pts)

    def measure(self) -> None:
        """Takes in what has been shown since the last call."""
        if self.meter and self.player:
            self.meter.delay_s = self.player.delay_ns / SECOND
            self.meter.note(self.programme.passages())

    def stop_playing(self) -> None:
        """Ends the player; frames that wait are shown no more."""
        if self.player is None:
            return
        if not self.finished:
            if self.pool:
                self.pool.flush()
            # It may be waiting for room in the programme: that goes away first.
            self.programme.finish(STOP_S)
        self.player.stop()

    def finish_sound(self) -> None:
        """Hands out what is left of the sound, if the last picture was; from now on no sound waits for us."""
        if self.follower is None:
            return
        if self.finished:
            with suppress(OutputError):  # of a programme that has failed since, and says so itself
                self.follower.finish(self.showing.ends_at)
        self.follower.close()

    def finish(self, timeout_s: float) -> None:
        """Finishes the outputs."""
        self.programme.finish(timeout_s if self.finished else STOP_S)
        if self.notebook:
            self.notebook.close()
        self.measure()
        self.programme.stop()

    def release(self) -> None:
        """Gives the memory back."""
        if self.pool:
            self.pool.stop()
        if self.slates:
            self.slates.stop()


def outputs_of(settings: ProgrammeSettings) -> list[OutputSpec]:
    """What is to leave. Raises ConfigurationError for what can't be served."""
    outputs = [OutputSpec("record", str(path)) for path in settings.record]
    outputs += [OutputSpec("stream", url) for url in settings.stream]
    outputs += [OutputSpec("display")] if settings.display else []
    outputs += [OutputSpec("webcam", device) for device in settings.webcam]
    return outputs
