"""Pairs of pictures, and what a view of them must be: a float64 reference that shares no code with the kernels."""

from __future__ import annotations

import numpy as np

from rendering import bilinear
from touchline.geometry import Camera, Distortion, Rig, View
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference
from touchline.panorama.pair import PairLayout
from touchline.panorama.warp import right_share

LENSES = {
    "brown": Distortion("brown", (-0.12, 0.01, 0.001, -0.001)),
    "fisheye": Distortion("fisheye", (-0.01, 0.002)),
}
UNITY = 4096
PLAIN, TONED = Difference(), Difference(0.188, 0.0586, -0.0439)


def two_cameras(width: int = 640, height: int = 360, lens: str = "brown", fov: float = 95.0) -> Rig:
    """Two unlike cameras that have some twenty degrees in common."""
    return Rig(
        (
            Camera.from_fov(width, height, fov, LENSES[lens], yaw_deg=-38, pitch_deg=-9, roll_deg=1.5),
            Camera.from_fov(width + 16, height + 8, fov, LENSES[lens], yaw_deg=37, pitch_deg=-8, roll_deg=-1),
        )
    )


def empty_pair(rig: Rig, pad: int = 0) -> Nv12:
    """A frame for a pair, rows padded by ``pad`` bytes."""
    width, height = PairLayout.of(rig).size
    stride = width + pad
    memory = np.full(stride * height * 3 // 2, 77, np.uint8)
    return Nv12.over(memory, width, height, (stride, stride), (0, stride * height))


def textured_pair(rig: Rig, seed: int = 1, pad: int = 0) -> Nv12:
    """Smooth noise that uses most levels, another one in each picture."""
    pair = empty_pair(rig, pad)
    rng = np.random.default_rng(seed)
    for picture in PairLayout.of(rig).split(pair):
        for plane in (picture.y, picture.uv[..., 0], picture.uv[..., 1]):
            y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
            waves = rng.uniform(-0.4, 0.4, (6, 2))
            level = sum(np.sin(fx * x + fy * y + rng.uniform(0, 6)) for fx, fy in waves)
            plane[...] = np.rint(np.clip(128 + 28 * level, 0, 255))
    return pair


def view_of_pair(
    rig: Rig,
    pair: Nv12,
    view: View,
    size: tuple[int, int],
    count: int,
    difference: Difference = PLAIN,
    feather_deg: float = 3.0,
) -> list[np.ndarray]:
    """Y, U and V: means of ``count`` x ``count`` exact fetches out of each picture, corrected, then mixed."""
    width, height = size
    corners = (
        np.arange(0, width + 16, 16.0)[None, : -(-width // 16) + 1],
        np.arange(0, height + 16, 16.0)[:, None],
    )
    shares = right_share(rig, view.rays(*corners, width, height), feather_deg)
    gains = difference.tones() / UNITY
    planes: list[np.ndarray] = []
    for which in range(3):
        step, shift = (1, 0.0) if which == 0 else (2, 0.5)
        seen = []
        for camera, picture in zip(rig.cameras, PairLayout.of(rig).split(pair), strict=True):
            plane = picture.y if which == 0 else picture.uv[..., which - 1]
            seen.append(_means(camera, plane, view, size, count, step, shift))
        x, y = np.arange(0, width, step)[None, :] / 16, np.arange(0, height, step)[:, None] / 16
        share = bilinear(shares, *np.broadcast_arrays(x, y))
        if which == 0:
            made = [
                np.clip((level - 16) * gain[0] + 16, 0, 255) for level, gain in zip(seen, gains, strict=True)
            ]
        else:
            luma = planes[0]
            bright = (luma[::2, ::2] + luma[::2, 1::2]) / 2 - 16  # of the upper two of four samples
            made = [
                np.clip((level - 128) * gain[0] + bright * gain[which] + 128, 0, 255)
                for level, gain in zip(seen, gains, strict=True)
            ]
        planes.append(made[0] * (1 - share) + made[1] * share)
    return planes


def _means(
    camera: Camera, plane: np.ndarray, view: View, size: tuple[int, int], count: int, step: int, shift: float
) -> np.ndarray:
    total = np.zeros((size[1] // step, size[0] // step))
    for one in range(count * count):
        across, down = ((n + 0.5) / count - 0.5 for n in (one % count, one // count))
        x = np.arange(0, size[0], step)[None, :] + shift + across * step
        y = np.arange(0, size[1], step)[:, None] + shift + down * step
        places, _ = camera.project(view.rays(x, y, *size))
        total += bilinear(plane, (places[..., 0] - shift) / step, (places[..., 1] - shift) / step)
    return total / count**2
