"""Random pictures, and what views of them must be: float64 references that share no code with the kernels."""

from __future__ import annotations

import numpy as np

from touchline.geometry import Panorama, View, rays_to_angles
from touchline.gst.nv12 import Nv12


def padded(width: int, height: int, pad: int) -> Nv12:
    """A picture with rows longer than they need be."""
    stride = width + pad
    memory = np.zeros(stride * height * 3 // 2, np.uint8)
    return Nv12.over(memory, width, height, (stride, stride), (0, stride * height))


def noise(width: int, height: int, pad: int = 0, seed: int = 1) -> Nv12:
    """Every sample any level: the hardest picture to interpolate."""
    random = np.random.default_rng(seed)
    picture = padded(width, height, pad)
    picture.y[:] = random.integers(0, 256, picture.y.shape)
    picture.uv[:] = random.integers(0, 256, picture.uv.shape)
    return picture


def bilinear(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A plane at positions x, y, its edges repeated."""
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = x - left, y - top
    upper = plane[top, left] * (1 - fx) + plane[top, left + 1] * fx
    lower = plane[top + 1, left] * (1 - fx) + plane[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def _means(source: Nv12, width: int, height: int, count: int, positions) -> list[np.ndarray]:
    """Y, U and V: means of count x count fetches, evenly spread over each sample's area."""
    planes = []
    for plane, step, shift in ((source.y, 1, 0.0), (source.uv[..., 0], 2, 0.5), (source.uv[..., 1], 2, 0.5)):
        total = np.zeros((height // step, width // step))
        for one in range(count * count):
            across, down = ((n + 0.5) / count - 0.5 for n in (one % count, one // count))
            x = np.arange(0, width, step)[None, :] + shift + across * step
            y = np.arange(0, height, step)[:, None] + shift + down * step
            px, py = positions(x, y)
            total += bilinear(plane, (px - shift) / step, (py - shift) / step)
        planes.append(total / count**2)
    return planes


def view_reference(
    source: Nv12, panorama: Panorama, view: View, width: int, height: int, count: int, turn: float = 0.0
) -> list[np.ndarray]:
    """Y, U and V of a view.

    Args:
        turn: 2 pi for a panorama whose yaw is 0 .. 2 pi.
    """

    def positions(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        yaw, pitch = rays_to_angles(view.rays(x, y, width, height))
        return panorama.angles_to_pixels(yaw % turn if turn else yaw, pitch)

    return _means(source, width, height, count, positions)


def whole_reference(source: Nv12, width: int, height: int) -> list[np.ndarray]:
    """Y, U and V of the whole panorama: scaled, its shape kept, in the middle, black around it."""
    scale = min(width / source.width, height / source.height)
    inner = [round(s * scale / 2) * 2 for s in (source.width, source.height)]
    left, top = (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2
    step = source.width / inner[0], source.height / inner[1]
    count = max(1, int(np.ceil(max(step) / 1.5)))
    planes = []
    shown = _means(
        source,
        *inner,
        count,
        lambda x, y: np.broadcast_arrays((x + 0.5) * step[0] - 0.5, (y + 0.5) * step[1] - 0.5),
    )
    for made, part, black in zip(shown, (1, 2, 2), (16, 128, 128), strict=True):
        plane = np.full((height // part, width // part), float(black))
        plane[top // part : top // part + made.shape[0], left // part : left // part + made.shape[1]] = made
        planes.append(plane)
    return planes


def within(out: Nv12, wanted: list[np.ndarray]) -> None:
    """Within 1 level for 99.9 % of the samples, 2 at most."""
    for name, plane, truth in zip("YUV", (out.y, out.uv[..., 0], out.uv[..., 1]), wanted, strict=True):
        error = np.abs(plane.astype(np.float64) - truth)
        assert np.mean(error <= 1.0) >= 0.999, f"{name}: {np.mean(error > 1.0):.4%} off by more than a level"
        assert error.max() <= 2, f"{name}: {error.max():.2f} levels at {np.argwhere(error == error.max())[0]}"
