"""Frames that hold both cameras' pictures as they are, and views rendered straight from those: --render."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.config import RunConfig
from touchline.delay.plan import MB
from touchline.director.views import parse_view
from touchline.engine.overlook import Overlook, PairOverlook
from touchline.errors import ConfigurationError
from touchline.geometry import Panorama, Rig, View
from touchline.gst.caps import PlaneLayout
from touchline.gst.mapping import read_nv12
from touchline.panorama.pair import LightLog, PairKeeper, PairLayout
from touchline.panorama.tone import Light
from touchline.panorama.workers import Workers
from touchline.render.direct import DirectCamera, ReducedPanorama

# Writes the programme's picture: held frame, its PTS, the view of it, the picture.
Show = Callable[[Any, int, View, Any], None]


class Pairs(Protocol):
    """What a production needs to hold pairs and to render them, in the memory where they lie.

    Attributes:
        layout: where both pictures lie in a held frame.
        lights: what differs in each held pair.
    """

    layout: PairLayout
    lights: LightLog

    def keep(self, left: Any, right: Any, out: Any, pts_s: float) -> None:
        """See :meth:`touchline.panorama.pair.PairKeeper.keep`."""

    def warm_up(self, left: Any, right: Any, out: Any) -> None:
        """Does the same work on pictures of nothing, so that the kernels are there; nothing is learnt of them."""

    def camera(self, width: int, height: int) -> tuple[Show, Callable[[Any, View, Any], None]]:
        """Renders views: of held pairs, and (pair, view, picture) of one that shows nothing, to warm up."""

    def reducer(self, layout: PlaneLayout, factor: int) -> Callable[[Any], NDArray[np.uint8]]:
        """The luma of the panorama of a held pair, reduced for the analysis: the frame's buffer in."""

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        """Shows the panoramas of held pairs, reduced by ``factor``, to a detector."""


class CpuPairs:
    """Pairs in plain memory.

    Args:
        rig: the cameras.
        panorama: the geometry of what would be stitched; its limits and its angles stay.
        workers: the threads that render.
    """

    def __init__(self, rig: Rig, panorama: Panorama, workers: Workers) -> None:
        self._rig = rig
        self._panorama = panorama
        self._workers = workers
        self.layout = PairLayout.of(rig)
        self.lights = LightLog()

    @cached_property
    def _keeper(self) -> PairKeeper:
        """Made when it is known that pairs are held: it takes a while."""
        return PairKeeper(self._rig, self._panorama, self.lights)

    def keep(self, left: Any, right: Any, out: Any, pts_s: float) -> None:
        self._keeper.keep(left, right, out, pts_s)

    def warm_up(self, left: Any, right: Any, out: Any) -> None:
        _ = self._keeper  # made now, not by the first frame
        # Another one, for this one remembers what it has seen of the light.
        PairKeeper(self._rig, self._panorama, LightLog()).keep(left, right, out, 0.0)

    def camera(self, width: int, height: int) -> tuple[Show, Callable[[Any, View, Any], None]]:
        camera, lights = DirectCamera(self._rig, width, height, self._workers), self.lights

        shown: tuple[int, Light] | None = None

        def show(pair: Any, pts: int, view: View, out: Any) -> None:
            nonlocal shown
            # A picture that is held for minutes, while more come in, has its own correction all the time.
            if shown is None or shown[0] != pts:
                shown = pts, lights.at(pts)
            camera.render(pair, view, shown[1], out)

        def try_out(pair: Any, view: View, out: Any) -> None:
            camera.render(pair, view, Light(), out)

        return show, try_out

    def overlook(self, layout: PlaneLayout, panorama: Panorama, factor: int) -> Overlook:
        return PairOverlook(layout, self._rig, panorama, factor, self.lights, self._workers)

    def reducer(self, layout: PlaneLayout, factor: int) -> Callable[[Any], NDArray[np.uint8]]:
        small, lights = ReducedPanorama(self._rig, self._panorama, factor, self._workers), self.lights

        def reduce(buffer: Any) -> NDArray[np.uint8]:
            with read_nv12(buffer, layout) as pair:
                return small.render(pair, lights.at(buffer.pts))

        return reduce


@dataclass(frozen=True)
class RenderChoice:
    """What is held and rendered, and in words why.

    Attributes:
        name: ``panorama`` or ``direct``.
    """

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def check_render(config: RunConfig) -> None:
    """Refuses ``--render direct`` where something else was asked for that needs panoramas.

    Raises:
        ConfigurationError: in one line: what needs them, and what to do.
    """
    lacks = needs_panorama(config)
    if config.render == "direct" and lacks is not None:
        raise ConfigurationError(f"--render direct can't be had: {lacks}; use --render panorama or auto")


def needs_panorama(config: RunConfig) -> str | None:
    """What of a configuration needs panoramas, in words; None: views can be rendered from the cameras' pictures."""
    if config.panorama is not None:
        return "--panorama brings one picture that is stitched already"
    for name, settings in config.programmes.items():
        if parse_view(settings.view).kind == "panorama":
            return f"the programme {name} shows the panorama"
    if not config.joint.plain:
        return "an adaptive seam or bands join panoramas"
    if config.exposure == "signal":
        return "exposures are matched as factors of the signal in panoramas"
    if config.drift == "correct":
        return "--drift correct turns the panorama after the cameras"
    if config.memory in ("cuda", "nvmm"):
        return f"in --memory {config.memory} views are rendered from panoramas"
    return None


def choose_render(
    config: RunConfig, pair: PairLayout, panorama: tuple[int, int], *, able: bool = True
) -> RenderChoice:
    """Decides what --render means here: ``auto`` holds whatever takes fewer bytes, the panorama if both take as many.

    Args:
        config: what is wanted.
        pair: both cameras' pictures.
        panorama: width and height of the panorama.
        able: whether the memory of the run can render pairs.

    Raises:
        ConfigurationError: if ``direct`` was asked for and can't be had.
    """
    check_render(config)
    both, one = (width * height * 3 / 2 / MB for width, height in (pair.size, panorama))
    what = f"{both:.2f} MB a frame; a panorama of {panorama[0]}x{panorama[1]} takes {one:.2f} MB"
    if config.render != "auto":
        if config.render == "direct" and not able:
            raise ConfigurationError(
                "--render direct can't be had: only plain memory renders from the cameras' pictures; "
                "use --memory system, or --render panorama"
            )
        return RenderChoice(config.render, f"as asked for; {pair} take {what}")
    lacks = needs_panorama(config) if able else "in this memory views are rendered from panoramas"
    if lacks is not None:
        return RenderChoice("panorama", lacks)
    less = "direct" if both < one else "panorama"
    return RenderChoice(less, f"whichever holds less: {pair} take {what}")
