"""The analysis beside the programme, and the directors that look at it.

Who plays where is found by a detector and told by tracks; where there is none, the movement alone has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from touchline.analysis import blob_detector
from touchline.analysis.detection_worker import DetectionWorker
from touchline.analysis.detections import Detector
from touchline.analysis.detectors import OWN
from touchline.analysis.inference import why_no_torch_cuda
from touchline.analysis.log import MotionLog
from touchline.analysis.motion import MotionDetector
from touchline.analysis.tracking import PlayLog
from touchline.analysis.worker import AnalysisWorker
from touchline.config import ProgrammeSettings, RunConfig
from touchline.counters import Durations
from touchline.delay import FrameStore
from touchline.director.follow import FollowDirector
from touchline.director.planned import PlannedDirector
from touchline.director.protocol import Director
from touchline.director.style import Sport, Style
from touchline.engine.backend import Backend
from touchline.engine.overlook import Overlook, overlook_factor
from touchline.engine.pairs import Pairs
from touchline.geometry import FieldOutline, Ground, Panorama, ViewLimits
from touchline.gst.caps import PlaneLayout
from touchline.gst.library import SECOND

MOVEMENT = "movement"  # no detector: the director follows where most of it is


class Known(Protocol):
    """What has been seen, in the order of its PTS."""

    @property
    def newest_pts(self) -> int | None:
        """The PTS (ns) up to which all is known; None before any."""

    def wait_for(self, pts_ns: int, timeout_s: float | None = None) -> bool:
        """Waits until everything up to ``pts_ns`` is known; False if ``timeout_s`` has passed first."""

    def forget_before(self, pts_ns: int) -> None:
        """Nobody will ask for what was before ``pts_ns`` any more."""


class Observer(Protocol):
    """Fills a log of what is seen."""

    durations: Durations

    def start(self) -> None:
        """Begins."""

    def stop(self) -> None:
        """Stops and closes the log. May be called again."""


class Following(Director, Protocol):
    """A director who reads what is known: ``past_ns`` back from the time shown, and ``horizon_ns`` ahead."""

    past_ns: int
    horizon_ns: int


@dataclass(frozen=True)
class Watched:
    """What there is to watch.

    Attributes:
        store: where the held frames are.
        layout: of those frames.
        panorama: their geometry, or of what would be stitched of them.
        backend: where they lie.
        pairs: what they are, if they are the cameras' pictures themselves.
        field: where people play; None: anywhere.
    """

    store: FrameStore
    layout: PlaneLayout
    panorama: Panorama
    backend: Backend
    pairs: Pairs | None = None
    field: FieldOutline | None = None


class Watch:
    """The analysis of the panorama, shared by every programme that follows the play.

    Args:
        log: what has been seen: movement alone, or the play.
        worker: who fills it; to be started and stopped with the run.
        replayed_ns: how far behind those who read replays may look.
        field: where people play; None: anywhere.
        sport: what they play.
        warm_up: does what every look needs, on nothing, so that the kernels are there.
    """

    def __init__(
        self,
        log: MotionLog | PlayLog,
        worker: Observer,
        replayed_ns: int = 0,
        field: FieldOutline | None = None,
        sport: Sport = "football",
        warm_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.log: Known = log
        self.worker = worker
        self.warm_up = warm_up
        self._read = log
        self._field = field
        self._sport: Sport = sport
        self._replayed_ns = replayed_ns
        self._needed: dict[str, int] = {}

    @property
    def play(self) -> PlayLog | None:
        """Who plays where; None where movement alone is known."""
        return None if isinstance(self._read, MotionLog) else self._read

    @property
    def field(self) -> FieldOutline | None:
        """Where people play; None: anywhere."""
        return self._field

    def style(self, settings: ProgrammeSettings) -> Style:
        """How a programme is filmed."""
        return Style.of(self._sport, settings.style)

    def director(self, settings: ProgrammeSettings, limits: ViewLimits, horizon_s: float) -> Following:
        """Who decides where a programme looks.

        Args:
            settings: of the programme.
            limits: of the panorama and the programme's shape.
            horizon_s: how many seconds ahead of the time shown a view may look.
        """
        if isinstance(self._read, MotionLog):
            return FollowDirector(self._read, limits, horizon_s=horizon_s, field=self._field)
        style = self.style(settings)
        return PlannedDirector(self._read, limits, horizon_s=horizon_s, style=style, field=self._field)

    def forget(self, who: str, before_pts: int) -> None:
        """Drops what nobody looks at any more, once everybody has said how far back that is."""
        self._needed[who] = before_pts
        self.log.forget_before(min(self._needed.values()) - self._replayed_ns)

    def expect(self, who: str) -> None:
        """Somebody will read, from the beginning."""
        self._needed[who] = 0


def choose_detector(wanted: str, backend: str) -> tuple[str, str]:
    """Which detector ``auto`` is, and in words why.

    Args:
        wanted: as of ``--detector``.
        backend: its name.
    """
    if wanted != "auto":
        return wanted, "as asked for"
    if backend != "cuda":
        return "motion", "on the processor; needs no weights"
    missing = why_no_torch_cuda()
    if missing is None:
        return OWN, "a network of ours, on the GPU where the frames are"
    return MOVEMENT, f"on a GPU, where a network of ours needs PyTorch: {missing}"


def watch_store(
    watched: Watched,
    config: RunConfig,
    *,
    holds: bool,
    replayed_ns: int = 0,
    hurried: Callable[[], bool],
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> Watch:
    """An analysis of the newest frames of a store.

    Args:
        watched: what there is to watch.
        config: which detector, and which sport.
        holds: frames wait for the analysis, as they may at fast pace.
        replayed_ns: how far behind those who read replays may look.
        hurried: whether a programme has less time for its pictures than it needs, so that looks had better be few.
        say: told in one line what was chosen, and why, if that was ours to choose.
        note: told in one line of each failure.

    Raises:
        ConfigurationError: for a detector that can't be had, in one line.
    """
    name, why = choose_detector(config.detector, watched.backend.name)
    if config.detector == "auto":
        say(f"Detector: {name} ({why})")
    if name == MOVEMENT:
        return _movement(watched, config, holds, replayed_ns, note)
    field, style = watched.field, Style.of(config.sport, config.style)
    overlook, build = _builder(name, watched, style)
    first = [build()]  # a model that can't be used is refused now
    log = PlayLog(overlook.panorama, field, ground_of(field, style))
    worker = DetectionWorker(
        watched.store,
        watched.layout,
        lambda: first.pop() if first else build(),
        log,
        holds=holds,
        hurried=hurried,
        on_failed=lambda error: note(
            f"The detector failed ({_told(error)}); it is opened again, and the programme goes on without it"
        ),
        read=overlook.look,
    )

    def warm_up() -> None:
        if name == "motion":
            blob_detector.warm_up(read_only=overlook.read_only)
        limits = ViewLimits(watched.panorama, 16 / 9)
        director = PlannedDirector(PlayLog(overlook.panorama), limits, horizon_s=1.0, style=style)
        for pts in (0, SECOND // 2):
            director.view(pts)

    return Watch(log, worker, replayed_ns, field, config.sport, warm_up)


def _builder(name: str, watched: Watched, style: Style) -> tuple[Overlook, Callable[[], Detector]]:
    """What a detector is shown, and what makes it."""
    factor = overlook_factor(watched.panorama)
    overlook = (watched.pairs or watched.backend).overlook(watched.layout, watched.panorama, factor)
    length_m = style.field_m[0] if watched.field is not None else None
    return overlook, lambda: watched.backend.detector(name, overlook.panorama, watched.field, length_m)


def _movement(
    watched: Watched,
    config: RunConfig,
    holds: bool,
    replayed_ns: int,
    note: Callable[[str], None],
) -> Watch:
    def failed(error: Exception) -> None:
        note(f"The analysis stopped ({_told(error)}); the camera goes to its wide view")

    log, detector = MotionLog(), MotionDetector(watched.panorama, field=watched.field)
    reduce = (watched.pairs or watched.backend).reducer(watched.layout, detector.factor)
    worker = AnalysisWorker(
        watched.store, watched.layout, detector, log, holds=holds, on_failed=failed, reduce=reduce
    )
    return Watch(log, worker, replayed_ns, watched.field, config.sport)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def ground_of(field: FieldOutline | None, style: Style) -> Ground | None:
    """The ground of a field of the usual size; None where nobody knows, or the outline is no such field."""
    if field is None:
        return None
    try:
        return Ground.of_outline(field, length_m=style.field_m[0], width_m=style.field_m[1])
    except ValueError:
        return None  # an outline that reaches the horizon, or one of a part of the field: places are not told
