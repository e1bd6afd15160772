"""Another programme of a recorded panorama and its tracks: the run of a panorama, with a director who reads a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from touchline.analysis.known_play import moment_at
from touchline.analysis.track_file import TrackedScene, TrackFile
from touchline.config import ProgrammeSettings, RunConfig
from touchline.director.planned import PlannedDirector
from touchline.director.style import Style
from touchline.director.views import ViewChoice
from touchline.engine.channel import Channel
from touchline.engine.production import Production
from touchline.engine.rigs import Say
from touchline.engine.scene import Scene
from touchline.engine.viewing import Viewing
from touchline.engine.watching import Watch
from touchline.errors import ConfigurationError, InputError
from touchline.geometry import Ground, View, ViewLimits
from touchline.render.drawing import part_of
from touchline.render.minimap import MARGIN_M, Minimap
from touchline.render.overlay import TRAIL_NS, Overlay

Where = Literal["inside", "beside"]
USUAL_ASPECT = 16 / 9  # that the styles' fields of view are for
_SHARE = {"inside": 0.26, "beside": 0.28}  # of the picture's width, or of its height where the map is below
_MARGIN = 0.025  # of its height, below a map inside
_MOST = 0.8  # of the picture's width and height, for such a map
_OTHER_SHAPE = 0.02


@dataclass(frozen=True)
class Rendering:
    """What is made of the recording.

    Attributes:
        tracks: the file of tracks.
        style: of the camera work, for a picture of 16:9; for others see :func:`framed_for`.
        look_ahead_s: how much of the play to come the director knows.
        overlay: draw boxes, ball and path.
        minimap: a top view; None: none.
        on_view: told the PTS in the tracks' time and the view of each frame.
    """

    tracks: Path
    style: Style
    look_ahead_s: float = 7.0
    overlay: bool = False
    minimap: Where | None = None
    on_view: Callable[[int, View], None] | None = None

    @property
    def drawn_on(self) -> bool:
        """Whether pictures are drawn on: they must lie in plain memory then."""
        return self.overlay or self.minimap is not None


@dataclass(frozen=True)
class Layout:
    """Where the view and the map are in the programme's picture: left, top, width, height, all even."""

    view: tuple[int, int, int, int]
    map: tuple[int, int, int, int] | None


class RenderProduction(Production):
    """A run at fast pace whose director reads tracks.

    Args:
        config: with the recorded panorama; its projection and its width are those of the tracks.
        rendering: what is made of it.
        say, progress: as of a :class:`Production`.

    Raises:
        TouchlineError: as of a :class:`Production`; InputError for tracks that can't be read, or of another panorama.
    """

    def __init__(
        self,
        config: RunConfig,
        rendering: Rendering,
        say: Say = lambda _: None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._rendering = rendering
        self.play = TrackFile(rendering.tracks)
        super().__init__(config, say, progress)

    def _open_scene(self) -> Scene:
        scene = super()._open_scene()
        tracked = self.play.scene.panorama
        width, height = scene.caps.width, scene.caps.height
        if abs(width * tracked.height / (height * tracked.width) - 1) > _OTHER_SHAPE:
            scene.feed.stop()
            raise InputError(
                f"the tracks {self._rendering.tracks} are of a panorama of {tracked.width}x{tracked.height}, and "
                f"{self.config.panorama} is one of {width}x{height}: they do not belong together"
            )
        return replace(scene, panorama=tracked.scaled(width, height))

    def _make_channel(self, name: str, settings: ProgrammeSettings, choice: ViewChoice) -> Channel:
        return RenderChannel(
            name,
            settings,
            choice,
            self.scene.panorama,
            self.scene.caps,
            self.backend,
            fast=True,
            overwrite=self.config.overwrite,
            on_output_failed=self._output_failed,
            on_note=self._note,
            rate_known=self.scene.rate_known,
            sound=self.hearing.store if self.hearing.heard else None,
            rendering=self._rendering,
            play=self.play,
        )


class RenderChannel(Channel):
    """The programme of a recording.

    Args:
        arguments, more: as of a :class:`Channel`.
        rendering: what is made of it.
        play: what went on.
    """

    def __init__(self, *arguments: Any, rendering: Rendering, play: TrackFile, **more: Any) -> None:
        self._rendering = rendering
        self._play = play
        super().__init__(*arguments, **more)

    @property
    def needs_watch(self) -> bool:
        """Everything has been seen already."""
        return False

    def _make_viewing(self, watch: Watch | None, is_full: Callable[[int], bool] | None) -> Viewing:
        if self.choice.kind != "follow":
            return super()._make_viewing(watch, is_full)
        rendering, scene = self._rendering, self._play.scene
        layout = lay_out((self.caps.width, self.caps.height), rendering.minimap, rendering.style.field_m)
        size = layout.view[2:]
        limits = ViewLimits(self._panorama, size[0] / size[1])
        try:
            director = PlannedDirector(
                self._play,
                limits,
                horizon_s=rendering.look_ahead_s,
                style=framed_for(rendering.style, limits.aspect),
                field=scene.field,
            )
        except ValueError as error:
            raise ConfigurationError(f"no camera can film that: {error}") from error
        camera = self._backend.camera(self._panorama, *size)
        draw = _Drawing(rendering, self._play, layout) if rendering.drawn_on else None
        behind = max(director.past_ns, TRAIL_NS)

        def render(picture: Any, pts: int, out: Any) -> View:
            at = pts + scene.starts_ns
            view = director.view(at)
            camera.render(picture, view, out if draw is None else part_of(out, *layout.view))
            if draw is not None:
                draw(out, view, at)
            if rendering.on_view is not None:
                rendering.on_view(at, view)
            self._play.forget_before(at - behind)
            return view

        def warm_up(picture: Any, out: Any) -> None:
            view = limits.clamp(View(0.0, 0.0, rendering.style.widest_deg))
            camera.render(picture, view, out if draw is None else part_of(out, *layout.view))

        return Viewing(render, warm_up)


class _Drawing:
    """Draws what is asked for on a programme's pictures, in plain memory."""

    def __init__(self, rendering: Rendering, play: TrackFile, layout: Layout) -> None:
        scene, self._play, self._layout = play.scene, play, layout
        ground = ground_of(scene, rendering.style)
        size = layout.view[2:]
        self._overlay = Overlay(*size, ground) if rendering.overlay else None
        self._map: Minimap | None = None
        if layout.map is not None:
            if ground is None:
                raise ConfigurationError(
                    f"{rendering.tracks} does not say where the field is: without it there is no top view"
                )
            self._map = Minimap(*layout.map[2:], ground, rendering.style.field_m, size[0] / size[1])

    def __call__(self, out: Any, view: View, at: int) -> None:
        now = moment_at(self._play, at)
        if self._overlay is not None:
            around = self._play.between(at - TRAIL_NS, at + TRAIL_NS)
            self._overlay.draw(part_of(out, *self._layout.view), view, now, around)
        if self._map is None or self._layout.map is None:
            return
        self._map.draw(part_of(out, *self._layout.map), view, now)


def lay_out(size: tuple[int, int], minimap: Where | None, field_m: tuple[float, float]) -> Layout:
    """Where the view and the map go in a picture of a size.

    Inside, the map is at the bottom of the view, in its middle; beside, it stands to the right of the view, or below
    it in a picture that is upright.
    """
    width, height = size
    whole = (0, 0, width, height)
    if minimap is None:
        return Layout(whole, None)
    if minimap == "beside":
        if width >= height:
            across = _even(_SHARE["beside"] * width)
            return Layout((0, 0, width - across, height), (width - across, 0, across, height))
        down = _even(_SHARE["beside"] * height)
        return Layout((0, 0, width, height - down), (0, height - down, width, down))
    tall = (field_m[1] + 2 * MARGIN_M) / (field_m[0] + 2 * MARGIN_M)
    across = _even(min(_SHARE["inside"] * max(width, height), _MOST * width, _MOST * height / tall))
    down, margin = _even(across * tall), _even(_MARGIN * height)
    return Layout(whole, (_even((width - across) / 2), height - down - margin, across, down))


def framed_for(style: Style, aspect: float) -> Style:
    """The style for a picture of another shape than 16:9: it shows as much, in square degrees, and as large."""
    by = math.sqrt(aspect / USUAL_ASPECT)
    closest = max(5.0, style.closest_deg * by)
    return replace(
        style, closest_deg=closest, widest_deg=max(closest + 1.0, min(120.0, style.widest_deg * by))
    )


def ground_of(scene: TrackedScene, style: Style) -> Ground | None:
    """The ground that the tracks know, or that of a field of the style's size; None without a field."""
    if scene.ground is not None or scene.field is None:
        return scene.ground
    try:
        return Ground.of_outline(scene.field, length_m=style.field_m[0], width_m=style.field_m[1])
    except ValueError:
        return None


def _even(number: float) -> int:
    return max(2, 2 * round(number / 2))
