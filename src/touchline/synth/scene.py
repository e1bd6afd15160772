"""Pictures of the scene: a still background, cast once for one observer, and everything that moves over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Panorama, View, rays_to_angles
from touchline.geometry.angles import Floats
from touchline.gst.nv12 import Nv12
from touchline.synth.backdrop_kernels import cast
from touchline.synth.codes import DARK, LIGHT, CodePatch, encode
from touchline.synth.figures import COLOURS, Figures, palette
from touchline.synth.kernels import add_noise, draw_figures, draw_shadows, stamp
from touchline.synth.pitch import SUN, rig_to_world, world_to_rig
from touchline.synth.textures import Textures

GRID_STEP: Final = 4
RAYS_PER_PIXEL: Final = 3  # along each axis
_CODE_SAMPLES: Final = 4
_BANDS: Final = 8
_NOISE_STARTS: Final = 65536


@dataclass(frozen=True)
class Observer:
    """Whatever looks at the scene from the mast.

    Args:
        width, height: size of its picture in pixels.
        unproject: pixel coordinates (..., 2) to directions in the rig's frame (..., 3).
        project: directions (..., 3) to pixel coordinates (..., 2), not finite or below -100000 where there are
            none; they may lie outside the picture.
    """

    width: int
    height: int
    unproject: Callable[[Floats], Floats]
    project: Callable[[Floats], Floats]

    @classmethod
    def of_camera(cls, camera: Camera) -> Observer:
        return cls(camera.width, camera.height, camera.unproject, lambda rays: camera.project(rays)[0])

    @classmethod
    def of_panorama(cls, panorama: Panorama) -> Observer:
        return cls(
            panorama.width,
            panorama.height,
            lambda pixels: panorama.rays(pixels[..., 0], pixels[..., 1]),
            lambda rays: np.stack(panorama.angles_to_pixels(*rays_to_angles(rays)), axis=-1),
        )

    @classmethod
    def of_view(cls, view: View, width: int, height: int) -> Observer:
        return cls(
            width,
            height,
            lambda pixels: view.rays(pixels[..., 0], pixels[..., 1], width, height),
            lambda rays: view.pixels_of(*rays_to_angles(rays), width, height),
        )

    def boxes(self, points: Floats, margin: float = 0.0) -> Floats:
        """What sets of points in the world, shape (n, k, 3), cover: left, top, right, bottom, shape (n, 4), in
        pixel coordinates; nan where a set is not all before the lens."""
        pixels = self.project(world_to_rig(points))
        pixels = np.where(pixels < -1e5, np.nan, pixels)
        return np.concatenate([pixels.min(axis=1) - margin, pixels.max(axis=1) + margin], axis=1)

    def blocks(self, points: Floats) -> NDArray[np.int64]:
        """The same as blocks of whole pixel pairs inside the picture: first and end column and row; may be empty."""
        boxes = self.boxes(points, margin=1.5)
        limits = np.array([self.width, self.height, self.width, self.height], dtype=np.float64)
        boxes = np.clip(np.nan_to_num(boxes, nan=-1.0, posinf=1e6, neginf=-1e6), 0.0, limits)
        return np.concatenate([boxes[:, :2] // 2 * 2, -(-boxes[:, 2:] // 2) * 2], axis=1).astype(np.int64)


@dataclass(frozen=True)
class Sensor:
    """What a camera does to the light.

    Args:
        gains: what R', G' and B' are multiplied by: exposure and white balance.
        noise: int8, at least 65536 longer than a row is wide; None for a clean picture.
        key: tells this sensor's noise from others'.
    """

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: NDArray[np.int8] | None = None
    key: int = 0


def make_noise(seed: int, width: int, sigma: float = 2.0) -> NDArray[np.int8]:
    """Noise for a :class:`Sensor` of pictures that wide; ``sigma`` in luma levels."""
    rng = np.random.default_rng([seed, 23])
    noise = rng.normal(0, sigma, _NOISE_STARTS + width)
    return np.clip(np.rint(noise), -100, 100).astype(np.int8)


class Picture:
    """The scene as one observer sees it. Drawing may happen in any thread, one at a time.

    Args:
        observer: who looks.
        textures: the scene's surfaces.
        sensor: exposure and noise.
        patches: where frame numbers go, if any.
        colours: of kits, skin, hair and the ball; see :func:`~touchline.synth.figures.palette`.

    Raises:
        ValueError: for a size that NV12 can't have.
    """

    def __init__(
        self,
        observer: Observer,
        textures: Textures,
        sensor: Sensor | None = None,
        patches: Sequence[CodePatch] = (),
        colours: Floats = COLOURS,
    ) -> None:
        self.observer = observer
        self._sensor = sensor or Sensor()
        gains = np.array(self._sensor.gains)
        self._grid = self._rays()
        self._still = Nv12.empty(observer.width, observer.height)
        self._work = Nv12.empty(observer.width, observer.height)
        self._palette = palette(gains, colours)
        self._lock = threading.Lock()
        self._cast(gains, textures)
        stamps = [self._shares(patch) for patch in patches]
        self._stamps = [s for s in stamps if s is not None]

    def draw(self, figures: Figures, index: int, out: Nv12) -> None:
        """Renders a frame into ``out``, a picture of the observer's size.

        Raises:
            ValueError: if the sizes differ.
        """
        if out.y.shape != self._work.y.shape:
            raise ValueError(
                f"the picture is {out.width}x{out.height}; {self.observer.width}x{self.observer.height} is needed"
            )
        with self._lock:
            y, uv = self._work
            np.copyto(y, self._still.y)
            np.copyto(uv, self._still.uv)
            shadows = self.observer.blocks(_shadow_points(figures.feet))
            draw_shadows(y, uv, self._grid, GRID_STEP, shadows, figures.feet)
            blocks = self.observer.blocks(figures.outlines)
            draw_figures(
                y,
                uv,
                self._grid,
                GRID_STEP,
                blocks,
                figures.frames,
                figures.limbs,
                figures.inks,
                self._palette,
            )
            for left, top, shares in self._stamps:
                stamp(y, uv, left, top, shares, encode(index), DARK, LIGHT)
            if self._sensor.noise is not None:
                add_noise(y, self._sensor.noise, 2 * self._sensor.key, index)
                add_noise(
                    uv.reshape(y.shape[0] // 2, -1), self._sensor.noise, 2 * self._sensor.key + 1, index
                )
            np.copyto(out.y, y)
            np.copyto(out.uv, uv)

    def _rays(self) -> NDArray[np.float32]:
        """Rays in the world at every GRID_STEP pixels, from one step outside the picture on."""
        x = np.arange(-GRID_STEP, self.observer.width + 2 * GRID_STEP, GRID_STEP, dtype=np.float64)
        y = np.arange(-GRID_STEP, self.observer.height + 2 * GRID_STEP, GRID_STEP, dtype=np.float64)
        pixels = np.stack(np.meshgrid(x, y), axis=-1)
        return rig_to_world(self.observer.unproject(pixels)).astype(np.float32)

    def _cast(self, gains: Floats, textures: Textures) -> None:
        """Casts the background, in bands of rows on two threads."""
        y, uv = self._still
        marks = np.linspace(0, self.observer.height // 2, _BANDS + 1).astype(int) * 2

        def band(k: int) -> None:
            cast(self._grid, GRID_STEP, gains, RAYS_PER_PIXEL, marks[k], marks[k + 1], *textures, y, uv)

        band(0)  # alone: numba looks up kinds of arguments that it has not met yet in tables without a lock
        with ThreadPoolExecutor(2, thread_name_prefix="backdrop") as pool:
            list(pool.map(band, range(1, _BANDS)))

    def _shares(self, patch: CodePatch) -> tuple[int, int, NDArray[np.int16]] | None:
        """Where a patch lies in the picture, and the cell under each of a pixel's samples there."""
        pixels = self.observer.project(patch.outline())
        size = np.array([self.observer.width, self.observer.height])
        if not np.isfinite(pixels).all() or (pixels < 1).any() or (pixels > size - 2).any():
            return None  # cut off: a code that can't be read whole is not drawn
        first = (np.floor(pixels.min(axis=0)).astype(int) - 1) // 2 * 2
        end = np.minimum(-(-(np.ceil(pixels.max(axis=0)).astype(int) + 1) // 2) * 2, size)
        first = np.maximum(first, 0)
        offsets = (np.arange(_CODE_SAMPLES) + 0.5) / _CODE_SAMPLES - 0.5
        x = np.arange(first[0], end[0])[None, :, None, None] + offsets[None, None, :, None]
        y = np.arange(first[1], end[1])[:, None, None, None] + offsets[None, None, None, :]
        rays = self.observer.unproject(np.stack(np.broadcast_arrays(x, y), axis=-1))
        cells = patch.cells_under(*rays_to_angles(rays))
        return int(first[0]), int(first[1]), np.ascontiguousarray(cells.reshape(*cells.shape[:2], -1))


def _shadow_points(feet: Floats) -> Floats:
    """Corners on the ground of what each shadow covers, shape (n, 8, 3)."""
    points = np.zeros((len(feet), 8, 3))
    reach = feet[:, 4] + 0.15
    for k in range(8):
        height = feet[:, 2 + k // 4]
        points[:, k, 0] = feet[:, 0] - SUN[0] * height + reach * (1 if k & 1 else -1)
        points[:, k, 1] = feet[:, 1] - SUN[1] * height + reach * (1 if k & 2 else -1)
    return points
