"""Panoramas of the synthetic match, stitched as a run stitches them, with the boxes of what is to be seen.

Only parts of Touchline that need no GStreamer are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import Joint
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth.figures import dress, make_figures
from touchline.synth.pitch import EYE, GRASS_X, GRASS_Y, rig_to_world
from touchline.synth.play import Play
from touchline.synth.rig import LensKind, default_rig
from touchline.synth.scene import Observer, Picture, Sensor, make_noise
from touchline.synth.textures import make_textures
from touchline.synth.truth import observe
from training.looks import GRASS, PLAIN, Look

BALL, PLAYER = 0, 1
NAMES = {BALL: "ball", PLAYER: "player"}
_COVERED = 0.75  # share of a body behind nearer ones from which nobody is asked to find it

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Boxes:
    """What is to be found in a picture.

    Attributes:
        edges: left, top, right, bottom in pixels, the first pixel from 0 to 1, float32, shape (n, 4).
        kinds: :data:`BALL` or :data:`PLAYER`, shape (n,).
        ignored: neither asked for nor wrong: too well hidden or too small, shape (n,).
    """

    edges: NDArray[np.float32]
    kinds: NDArray[np.int64]
    ignored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kinds)

    def within(self, left: int, top: int, width: int, height: int) -> Boxes:
        """Those that show in a part of the picture, in its pixels; those that show little are ignored."""
        moved = self.edges - np.array([left, top, left, top], np.float32)
        shown = np.clip(moved, 0, np.array([width, height, width, height], np.float32))
        share = area(shown) / np.maximum(area(moved), 1e-6)
        inside = share > 0
        return Boxes(shown[inside], self.kinds[inside], (self.ignored | (share < 0.4))[inside])

    def joined(self, other: Boxes) -> Boxes:
        return Boxes(
            np.concatenate([self.edges, other.edges]),
            np.concatenate([self.kinds, other.kinds]),
            np.concatenate([self.ignored, other.ignored]),
        )


def area(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """Areas of boxes (n, 4); 0 for empty ones."""
    sides = np.maximum(edges[:, 2:] - edges[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


class Filmed:
    """A synthetic match in a look of its own, as panoramas.

    Args:
        seed: of the match and the rig.
        size: width and height of each camera's picture.
        look: its colours.
        lens, joint: of the cameras and of the stitch.
        noise: deviation of the sensors' noise in luma levels.
        exposure: how much lighter the left camera is than the right one, as a factor.
    """

    def __init__(
        self,
        seed: int,
        size: tuple[int, int],
        look: Look = PLAIN,
        *,
        lens: LensKind = "brown",
        joint: Joint | None = None,
        noise: float = 2.0,
        exposure: float = 1.1,
    ) -> None:
        self.look = look
        self.rig = default_rig(seed, size, lens)
        self.panorama = fit_panorama(self.rig)
        self._play, self._inks = Play(seed), dress(seed)
        grain, textures = make_noise(seed, size[0], noise), make_textures(seed)
        gains = (exposure**0.5, exposure**-0.5)
        self._cameras = [
            Picture(Observer.of_camera(camera), textures, Sensor((gain,) * 3, grain, key), colours=look.inks)
            for key, (camera, gain) in enumerate(zip(self.rig.cameras, gains, strict=True))
        ]
        self._frames = Nv12.empty(*size), Nv12.empty(*size)
        self._stitcher = CpuStitcher(self.rig, self.panorama, Workers(1), joint)
        self.observer = Observer.of_panorama(self.panorama)

    def frame(self, time: float) -> tuple[Rgb, Boxes]:
        """The panorama at ``time`` seconds (later than the one before), RGB, and what is in it."""
        state = self._play.at(time)
        figures = make_figures(state, self._inks)
        index = round(time * 30)
        for camera, out in zip(self._cameras, self._frames, strict=True):
            camera.draw(figures, index, out)
        stitched = Nv12.empty(self.panorama.width, self.panorama.height)
        self._stitcher.stitch(*self._frames, stitched, time)
        truth = observe(index, state, figures, [self.observer])
        bodies = [(person.boxes[0], PLAYER, False) for person in truth.persons]
        bodies.append((truth.ball.boxes[0], BALL, truth.ball.hidden))
        seen = [(box, kind, hidden) for box, kind, hidden in bodies if box is not None]
        edges = np.array([(b.left, b.top, b.right, b.bottom) for b, _, _ in seen], np.float32).reshape(-1, 4)
        edges += 0.5  # from places of pixels' middles to edges
        kinds = np.array([kind for _, kind, _ in seen], np.int64)
        ignored = np.array([hidden for _, _, hidden in seen], bool) | _behind(edges, kinds)
        whole = Boxes(edges, kinds, ignored).within(0, 0, self.panorama.width, self.panorama.height)
        return self._repainted(to_rgb(stitched)), whole

    def _repainted(self, picture: Rgb) -> Rgb:
        """The picture with its grass in the colour of the look's floor."""
        if self.look.floor is None:
            return picture
        colour = picture.astype(np.float32)
        grass, floor = GRASS.astype(np.float32), self.look.floor.astype(np.float32)
        chroma = colour / np.maximum(colour.sum(axis=2, keepdims=True), 1)
        off = np.abs(chroma - grass / grass.sum()).sum(axis=2)
        share = np.clip((0.2 - off) / 0.1, 0, 1) * self._on_grass
        level = colour.sum(axis=2) / grass.sum()
        painted = colour + share[..., None] * (level[..., None] * floor - colour)
        return np.asarray(np.clip(painted + 0.5, 0, 255), np.uint8)

    @cached_property
    def _on_grass(self) -> NDArray[np.float32]:
        """1 where the panorama looks at the ground of the pitch or at somebody before it, shape (height, width)."""
        x, y = np.arange(self.panorama.width), np.arange(self.panorama.height)
        rays = rig_to_world(self.panorama.rays(x[None, :], y[:, None]))
        reach = np.where(rays[..., 2] < -1e-3, -EYE[2] / np.minimum(rays[..., 2], -1e-3), np.nan)
        ground = np.array(EYE)[:2] + reach[..., None] * rays[..., :2]
        on = (np.abs(ground[..., 0]) < GRASS_X) & (np.abs(ground[..., 1]) < GRASS_Y)
        return np.asarray(on, np.float32)


def _behind(edges: NDArray[np.float32], kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for players who are mostly covered by the box of one nearer player (whose feet are lower)."""
    covered = np.zeros(len(edges), bool)
    players = np.flatnonzero(kinds == PLAYER)
    for one in players:
        for other in players:
            if edges[other, 3] > edges[one, 3]:
                both = np.r_[
                    np.maximum(edges[one, :2], edges[other, :2]), np.minimum(edges[one, 2:], edges[other, 2:])
                ]
                share = area(both[None])[0] / max(area(edges[one : one + 1])[0], 1e-6)
                covered[one] |= share > _COVERED
    return covered


def to_rgb(picture: Nv12) -> Rgb:
    """R'G'B' of a BT.709 picture in video range, shape (height, width, 3)."""
    import cv2

    size = (picture.width, picture.height)
    u, v = (cv2.resize(picture.uv[..., k].astype(np.float32) - 128, size) for k in range(2))
    y = (picture.y.astype(np.float32) - 16) * (255 / 219)
    u, v = u * (255 / 224), v * (255 / 224)
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.clip(np.stack([red, green, blue], axis=-1) + 0.5, 0, 255).astype(np.uint8)
