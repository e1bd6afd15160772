"""A channel of the DeepStream way: the held panoramas themselves are pushed, and elements make pictures of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from touchline.config import ProgrammeSettings
from touchline.deepstream.front import NvmmFront
from touchline.deepstream.settings import DeepStreamSettings
from touchline.delay import Frame, Rules
from touchline.director.views import ViewChoice
from touchline.engine.channel import Channel
from touchline.engine.nvmm_backend import NvmmBackend
from touchline.engine.showing import Showing
from touchline.engine.slates import Slates
from touchline.engine.watching import Watch
from touchline.geometry import Panorama
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.pools import FramePool
from touchline.programme.front import Front
from touchline.programme.outputs import OutputStatus
from touchline.programme.programme import Programme

_NEVER_NS = 10**18


class NvmmChannel(Channel):
    """One programme.

    No card is painted in NVMM memory: where one would be shown, the last picture stays.

    Args:
        name, settings, choice, panorama, caps: as of a :class:`Channel`.
        held: the Gst.Caps of the held frames, as they came.
        elements: which do the work.
        beside: memory that is reckoned to it, by name.
        more: as of a :class:`Channel`.
    """

    def __init__(
        self,
        name: str,
        settings: ProgrammeSettings,
        choice: ViewChoice,
        panorama: Panorama,
        caps: VideoCaps,
        held: Any,
        elements: DeepStreamSettings,
        beside: Sequence[tuple[str, int]],
        **more: Any,
    ) -> None:
        self._beside = beside
        self._held = held
        self._elements = elements
        self._held_caps = caps
        self.front: NvmmFront
        super().__init__(name, settings, choice, panorama, caps, NvmmBackend(), **more)

    @property
    def in_flight(self) -> int:
        return 1 + self.programme.in_flight

    @property
    def own_bytes(self) -> list[tuple[str, int]]:
        return [("programme frames", self.front.own_bytes), *self._beside]

    def prepare(
        self, layout: PlaneLayout, watch: Watch | None, is_full: Callable[[int], bool] | None
    ) -> None:
        self._backend = NvmmBackend(self.front)
        super().prepare(layout, watch, is_full)

    def warm_up(self, panorama: Any, layout: PlaneLayout) -> None:
        """Nothing to do: there are no kernels of ours."""

    def _make_programme(
        self,
        overwrite: bool,
        on_output_failed: Callable[[OutputStatus], None],
        on_note: Callable[[str], None],
        front: Front | None = None,
    ) -> Programme:
        self.direct = self.choice.kind == "panorama"
        ahead = math.ceil((self.settings.lead_s + 0.1) * float(self.caps.fps or 30)) + 2
        self.front = NvmmFront(
            self._elements,
            self._held_caps,
            self._held,
            self.caps,
            whole=self.direct,
            ahead=ahead,
            on_failed=on_note,
        )
        for note in self.front.notes:
            on_note(note)
        return super()._make_programme(overwrite, on_output_failed, on_note, self.front)

    def _make_slates(self) -> Slates | None:
        return None

    def _make_pool(self) -> FramePool | None:
        return None

    def _rules(self) -> Rules:
        settings = self.settings
        return Rules(fill=settings.slate != "off", slate_after_ns=_NEVER_NS)

    def _make_showing(self, layout: PlaneLayout) -> Showing:
        return AimedShowing(
            None if self.direct else self.viewing.render,
            layout,
            None,
            None,
            self.caps.frame_ns,
            self.programme.push,
            self._hear if self.follower else None,
        )


class AimedShowing(Showing):
    """Says where each frame is to be looked at, and pushes the frame itself; ``render`` gets its programme time."""

    def _show_frame(self, frame: Frame, at: int) -> bool:
        with self.durations.measure():
            view = self._render(frame.buffer, frame.pts, at) if self._render else None
        self.path.append((at, view))
        return self._push(frame.buffer)
