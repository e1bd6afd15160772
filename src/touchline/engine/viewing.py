"""What the programme shows of the panorama: the director, whoever holds the camera, and the virtual camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.capture import parse_size
from touchline.config import ProgrammeSettings
from touchline.delay import MemoryPlan
from touchline.director.fixed import FixedDirector
from touchline.director.manual import ManualHand
from touchline.director.protocol import Director
from touchline.director.views import ViewChoice
from touchline.engine.backend import Backend
from touchline.engine.pairs import Pairs, Show
from touchline.engine.showing import Render
from touchline.engine.watching import Watch
from touchline.errors import ConfigurationError
from touchline.geometry import Panorama, View, ViewLimits

DEFAULT_SIZE = (1280, 720)
LARGEST_SIZE = (1920, 1080)
# What is known of a moment this long after its capture is all that a view depends on, so that a machine that is a
# little late with its analysis makes the same film.
ANALYSIS_SLACK_S = 0.3
_LOOK_S = 0.05
_WIDTHS = (10.0, 25.0, 40.0, 60.0, 80.0, 120.0)  # degrees: each way of rendering is needed for some of them


@dataclass(frozen=True)
class Viewing:
    """How frames become programme pictures.

    Attributes:
        render: None if the panorama itself is the programme.
        warm_up: renders anything, so that the kernels are there when the first frame comes.
        hand: by which a person takes the camera over; None where nobody follows anything.
    """

    render: Render | None
    warm_up: Callable[[Any, Any], None] | None = None
    hand: ManualHand | None = None


def programme_size(
    settings: ProgrammeSettings, choice: ViewChoice, panorama: Panorama | None
) -> tuple[int, int]:
    """Width and height of the programme. Raises ConfigurationError for one that is too large."""
    if settings.size is None:
        if choice.kind == "panorama" and panorama is not None:
            return panorama.width, panorama.height
        return DEFAULT_SIZE
    width, height = parse_size(settings.size)
    # Upright, for telephones, as well as across.
    if max(width, height) > max(LARGEST_SIZE) or min(width, height) > min(LARGEST_SIZE):
        raise ConfigurationError(f"--size {settings.size} is larger than {LARGEST_SIZE[0]}x{LARGEST_SIZE[1]}")
    return width, height


def build_viewing(
    name: str,
    settings: ProgrammeSettings,
    choice: ViewChoice,
    panorama: Panorama,
    size: tuple[int, int],
    backend: Backend,
    watch: Watch | None,
    is_full: Callable[[int], bool] | None,
    pairs: Pairs | None = None,
) -> Viewing:
    """Builds the way from a held frame to a programme picture of this size.

    Args:
        name, settings: of the programme.
        choice: what it shows.
        panorama, size: of the held frames or what would be stitched of them, and of the programme's.
        backend: what renders.
        watch: needed to follow.
        is_full: at fast pace, whether the window is as full as it gets from a PTS on.
        pairs: what the held frames are, if they are the cameras' pictures themselves.

    Raises:
        ConfigurationError: if no view of this shape fits into the panorama.
    """
    if choice.kind == "panorama":
        if size == (panorama.width, panorama.height):
            return Viewing(None)
        whole = backend.whole((panorama.width, panorama.height), *size)

        def render_whole(picture: Any, _pts: int, out: Any) -> View | None:
            whole.render(picture, out)
            return None

        return Viewing(render_whole, warm_up=whole.render)
    show, try_out = _camera(panorama, size, backend) if pairs is None else pairs.camera(*size)
    limits = ViewLimits(panorama, size[0] / size[1])

    def warm_up(picture: Any, out: Any) -> None:
        for fov_deg in _WIDTHS:
            try_out(picture, limits.clamp(View(0.0, 0.0, fov_deg)), out)

    if choice.fixed is not None:
        return Viewing(_renderer(show, FixedDirector(choice.fixed, limits), None), warm_up)
    assert watch is not None
    director = watch.director(settings, limits, horizon_s(settings))
    # What replays show lies behind the others, and they may be asked for nothing for hours.
    if settings.shows_replays:
        return Viewing(_renderer(show, director, None), warm_up)
    hand = ManualHand(director, limits, watch.style(settings))
    known = Hindsight(name, watch, director.past_ns, director.horizon_ns, is_full)
    return Viewing(_renderer(show, hand, known), warm_up, hand)


def full_window(plan: MemoryPlan) -> int:
    """Frames at which the window is as full as it can get: what is in flight needs the rest of the pool."""
    return plan.window_frames + plan.reserve // 2 + 1


def horizon_s(settings: ProgrammeSettings) -> float:
    """How many seconds ahead of the time shown a view may look."""
    return max(0.0, settings.delay - settings.lead_s - ANALYSIS_SLACK_S)


class Hindsight:
    """Keeps whoever reads what is known, and the log of it, together.

    Args:
        name: of the reader.
        watch: whose log it is.
        past_ns, horizon_ns: how far back, and how far ahead of the time shown, it reads.
        is_full: at fast pace, whether the window is as full as it gets from a PTS on.
    """

    def __init__(
        self, name: str, watch: Watch, past_ns: int, horizon_ns: int, is_full: Callable[[int], bool] | None
    ) -> None:
        self._name = name
        self._watch = watch
        self._past_ns, self._horizon_ns = past_ns, horizon_ns
        self._is_full = is_full
        watch.expect(name)

    def __call__(self, pts: int) -> None:
        # At fast pace nothing else makes sure that the analysis has come so far; live the clock does. In a window
        # that is full no more frames will come before this one goes.
        log = self._watch.log
        while self._is_full and not log.wait_for(pts + self._horizon_ns, _LOOK_S):
            if self._is_full(pts) and log.wait_for(pts, 0):
                break
        self._watch.forget(self._name, pts - self._past_ns)


def _camera(
    panorama: Panorama, size: tuple[int, int], backend: Backend
) -> tuple[Show, Callable[[Any, View, Any], None]]:
    """Renders views of panoramas; see :meth:`Pairs.camera`."""
    camera = backend.camera(panorama, *size)

    def show(picture: Any, _pts: int, view: View, out: Any) -> None:
        camera.render(picture, view, out)

    return show, camera.render


def _renderer(show: Show, director: Director, prepare: Callable[[int], None] | None) -> Render:
    def render(picture: Any, pts: int, out: Any) -> View | None:
        if prepare is not None:
            prepare(pts)
        view = director.view(pts)
        show(picture, pts, view, out)
        return view

    return render
