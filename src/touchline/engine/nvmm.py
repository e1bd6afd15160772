"""A run in NVMM memory: NVIDIA's elements film, stitch, render and encode; what waits, and when it leaves, is ours.

::

    elements -> feed -> intake -> store -> player -> showing (aims) -> programme: elements -> encoder
       +-> look or detector -> log -> director ---------^
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from touchline.analysis.log import MotionLog
from touchline.capture import parse_size, parse_source
from touchline.config import ProgrammeSettings
from touchline.deepstream.capture import NvmmFeed
from touchline.deepstream.detector import TileDetector
from touchline.deepstream.look import MotionLook
from touchline.delay import MemoryPlan
from touchline.director.views import ViewChoice
from touchline.engine.backend import Backend
from touchline.engine.channel import Channel
from touchline.engine.holding import LoanedWindow, Window
from touchline.engine.nvmm_backend import NvmmBackend
from touchline.engine.nvmm_channel import NvmmChannel
from touchline.engine.planning import Settled
from touchline.engine.production import Production
from touchline.engine.scene import Scene, assume_rate, panorama_of
from touchline.engine.watching import Watch
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND


class NvmmProduction(Production):
    """A :class:`~touchline.engine.production.Production` whose pixels only NVIDIA's elements know."""

    feed: NvmmFeed

    def _choose_backend(self) -> Backend:
        return NvmmBackend()

    def _open_scene(self) -> Scene:
        config = self.config
        names = [config.panorama] if config.panorama is not None else [config.left, config.right]
        self.feed = NvmmFeed(
            tuple(parse_source(name) for name in names if name is not None),
            config.deepstream,
            parse_size(config.panorama_size or config.deepstream.panorama_size),
            paced=self._live,
            limit_ns=None if config.duration is None else round(config.duration * SECOND),
            on_note=self._note,
        )
        try:
            infos = self.feed.open(self._clock)
            caps = self.feed.caps
            known = bool(caps.fps)
            if not known:
                caps = replace(caps, fps=assume_rate(self._note))
            panorama = panorama_of(config, (caps.width, caps.height))
        except BaseException:
            self.feed.stop()
            raise
        return Scene(self.feed, infos, panorama, caps, _nothing, None, 0, rate_known=known)

    def _make_channel(self, name: str, settings: ProgrammeSettings, choice: ViewChoice) -> Channel:
        return NvmmChannel(
            name,
            settings,
            choice,
            self.scene.panorama,
            self.scene.caps,
            self.feed.gst_caps,
            self.config.deepstream,
            self.feed.own_bytes if name == "main" else [],
            fast=not self._live,
            overwrite=self.config.overwrite,
            on_output_failed=self._output_failed,
            on_note=self._note,
            rate_known=self.scene.rate_known,
            sound=self.hearing.store if self.hearing.heard else None,
        )

    def _window(self, settled: Settled) -> Window:
        return NvmmWindow(
            self.scene.caps,
            self.plan,
            self.backend,
            self.feed,
            waits=not self._live,
            on_failed=self._failed,
            on_note=self._note,
        )

    def _make_watch(self, replayed_ns: int) -> Watch:
        log, elements = MotionLog(), self.config.deepstream
        panorama, holds, failed = self.scene.panorama, not self._live, self._analysis_failed
        worker: TileDetector | MotionLook
        if elements.detector.enabled:
            worker = TileDetector(panorama, log, elements, holds=holds, on_failed=failed)
        else:
            worker = MotionLook(panorama, log, elements, holds=holds, bus=self.backend.bus, on_failed=failed)
        self.feed.add_branch(worker)
        return Watch(log, worker, replayed_ns)

    def _warm_up(self) -> None:
        """Nothing to do: there are no kernels of ours."""

    def _analysis_failed(self, error: Exception) -> None:
        self._note(
            f"The analysis stopped ({type(error).__name__}: {error}); the camera goes to its wide view"
        )


class NvmmWindow(LoanedWindow):
    """Frames held in the converter's pool, which is as deep as the plan says.

    Args:
        caps, plan, backend: as of a :class:`~touchline.engine.holding.LoanedWindow`.
        feed: has the pool.
        waits, on_failed, on_note: likewise.
    """

    def __init__(
        self,
        caps: VideoCaps,
        plan: MemoryPlan,
        backend: Backend,
        feed: NvmmFeed,
        *,
        waits: bool,
        on_failed: Callable[[Exception], None],
        on_note: Callable[[str], None],
    ) -> None:
        super().__init__(
            caps,
            plan,
            backend,
            "the panorama",
            careful=False,
            waits=waits,
            on_failed=on_failed,
            on_note=on_note,
        )
        self._feed = feed
        self._on_note = on_note

    @property
    def how(self) -> str:
        return "NV12 in NVMM memory, held by reference in the converter's pool"

    def allocate(self, progress: Callable[[int, int], None] | None = None) -> None:
        for line in self._feed.ask_depth(self._plan.frames):
            self._on_note(f"Depth: {line}")


def _nothing(_pictures: Any, _out: Any, _pts_s: float) -> None:
    """Stitches nothing: an element has."""
