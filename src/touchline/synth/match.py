"""The synthetic match: one scene, two cameras, and the truth about both."""

from __future__ import annotations

import threading
from collections import OrderedDict
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig, View
from touchline.gst.nv12 import Nv12
from touchline.synth.audio import render_audio
from touchline.synth.codes import CodePatch, place_patches
from touchline.synth.figures import Figures, dress, make_figures
from touchline.synth.play import Play
from touchline.synth.rig import LensKind, default_rig
from touchline.synth.scene import Observer, Picture, Sensor, make_noise
from touchline.synth.textures import make_textures
from touchline.synth.truth import FrameTruth, observe

EXPOSURE: Final = 0.08
_KEPT_PICTURES: Final = 2


class SyntheticMatch:
    """A football match that two cameras film. The same arguments give the same pixels, whatever is asked first.

    Frame ``i`` is shown at ``i / fps`` seconds. Methods may be called from any thread.

    Args:
        seed: decides the match, the rig, and what the cameras do to the light.
        size: width and height of each camera's picture in pixels, even.
        fps: frames per second.
        codes: burn the frame's number into each camera's picture; see :mod:`touchline.synth.codes`.
        noise: sensor noise of about two luma levels.
        lens: ``brown``, ``fisheye`` or ``decentred``; see :func:`~touchline.synth.rig.default_rig`.

    Raises:
        ValueError: for a size that NV12 can't have, a rate that is not positive, a negative seed, an unknown lens.

    Attributes:
        rig: the true rig.
    """

    def __init__(
        self,
        seed: int,
        size: tuple[int, int] = (1280, 720),
        fps: Fraction = Fraction(30),
        *,
        codes: bool = False,
        noise: bool = True,
        lens: LensKind = "brown",
    ) -> None:
        if fps <= 0:
            raise ValueError(f"a frame rate must be above zero, not {fps}")
        if seed < 0:
            raise ValueError(f"a seed can't be negative: {seed}")
        self.seed = seed
        self.size = size
        self.fps = Fraction(fps)
        self.codes = codes
        self.rig: Rig = default_rig(seed, size, lens)
        self.play = Play(seed)
        self._textures = make_textures(seed)
        self._inks = dress(seed)
        self._patches = self.code_patches if codes else ()
        grain = make_noise(seed, size[0]) if noise else None
        rng = np.random.default_rng([seed, 3])
        self._cameras = tuple(
            Picture(Observer.of_camera(camera), self._textures, _sensor(rng, k, grain), self._patches)
            for k, camera in enumerate(self.rig.cameras)
        )
        self._pictures: OrderedDict[object, Picture] = OrderedDict()
        self._lock = threading.Lock()
        self._figures = lru_cache(maxsize=4)(self._pose)

    @cached_property
    def code_patches(self) -> tuple[CodePatch, CodePatch]:
        """Where the left and the right camera's frame numbers lie, or would lie."""
        return place_patches(self.rig)

    def time_of(self, index: int) -> float:
        """When frame ``index`` is shown, in seconds from the start."""
        return float(index / self.fps)

    def draw(self, index: int, left: Nv12, right: Nv12) -> None:
        """Renders frame ``index`` of both cameras into pictures of :attr:`size`.

        Raises:
            ValueError: for a negative index or pictures of another size.
        """
        figures = self._figures(index)
        for camera, out in zip(self._cameras, (left, right), strict=True):
            camera.draw(figures, index, out)

    def panorama(self, index: int, panorama: Panorama) -> Nv12:
        """The panorama of frame ``index`` from the scene itself: neutral exposure, no noise, no cameras.

        The first call for a panorama casts its background (about a second per megapixel); the last two are kept.
        """
        return self._render(panorama, Observer.of_panorama(panorama), index)

    def view(self, index: int, view: View, width: int, height: int) -> Nv12:
        """What a perfect virtual camera would show of frame ``index``; otherwise as :meth:`panorama`."""
        return self._render((view, width, height), Observer.of_view(view, width, height), index)

    def truth(self, index: int) -> FrameTruth:
        """Where everything is in frame ``index``, in the world and in the cameras' pictures."""
        state = self.play.at(self.time_of(index))
        return observe(index, state, self._figures(index), [camera.observer for camera in self._cameras])

    def audio(self, start: int, count: int) -> NDArray[np.int16]:
        """``count`` samples of sound, 48 kHz, mono, from sample ``start`` on: a quiet tone, and a click at the
        start of each second."""
        return render_audio(start, count)

    def _pose(self, index: int) -> Figures:
        if index < 0:
            raise ValueError(f"frames are counted from zero; there is no frame {index}")
        return make_figures(self.play.at(self.time_of(index)), self._inks)

    def _render(self, key: object, observer: Observer, index: int) -> Nv12:
        figures = self._figures(index)
        with self._lock:
            picture = self._pictures.get(key)
            if picture is None:
                picture = Picture(observer, self._textures, patches=self._patches)
                self._pictures[key] = picture
                if len(self._pictures) > _KEPT_PICTURES:
                    self._pictures.popitem(last=False)
        out = Nv12.empty(observer.width, observer.height)
        picture.draw(figures, index, out)
        return out


def _sensor(rng: np.random.Generator, key: int, noise: NDArray[np.int8] | None) -> Sensor:
    """Exposure of one camera up, of the other down, and a white balance of its own."""
    exposure = 1 + EXPOSURE * rng.uniform(0.5, 1.0) * (1 if key else -1)
    tint = rng.uniform(-0.035, 0.035)
    return Sensor((exposure * (1 + tint), exposure, exposure * (1 - tint)), noise, key)
