"""What the GPU's stitching should give, in NumPy float64; shares no code with any kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.warp import StitchPlan

BLOCK = 16
BLACK, GREY = 16.0, 128.0


class Planes(NamedTuple):
    """Levels as numbers."""

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


class Tone(NamedTuple):
    """A camera's correction: a gain about black and about grey, and what U and V gain per level above black."""

    gain: float = 1.0
    tint_u: float = 0.0
    tint_v: float = 0.0


PLAIN = (Tone(), Tone())


def noise(width: int, height: int, seed: int, pad: int = 0) -> Nv12:
    """White noise of the whole range of levels, the hardest there is to resample; rows padded by ``pad`` bytes."""
    rng = np.random.default_rng(seed)
    stride = width + pad
    memory = rng.integers(0, 256, stride * height * 3 // 2, dtype=np.uint8)
    return Nv12.over(memory, width, height, (stride, stride), (0, stride * height))


def bilinear(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Exact bilinear values at positions in samples, the edge repeated outside."""
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    across, down = x - left, y - top
    value = plane.astype(np.float64)
    upper = value[top, left] * (1 - across) + value[top, left + 1] * across
    lower = value[top + 1, left] * (1 - across) + value[top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


def positions(coefficients: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luma positions in the source of luma coordinates x, y of the panorama, which need not be whole."""
    x, y = np.broadcast_arrays(x, y)
    terms = coefficients[(y // BLOCK).astype(int), (x // BLOCK).astype(int)] / 65536
    i, r = x % BLOCK, y % BLOCK
    powers = np.stack([np.ones_like(i), i, r, i * r, i * i, r * r], axis=-1)
    return (terms[..., :6] * powers).sum(-1), (terms[..., 6:] * powers).sum(-1)


def stitched(
    plan: StitchPlan,
    panorama: Panorama,
    pictures: Sequence[Nv12],
    tones: Sequence[Tone] = PLAIN,
    rows: tuple[int, int] | None = None,
) -> Planes:
    """The panorama of two pictures, or luma rows ``rows[0]`` .. ``rows[1] - 1`` of it (both even)."""
    first, last = rows or (0, panorama.height)
    x = np.arange(panorama.width, dtype=np.float64)[None, :]
    y = np.arange(first, last, dtype=np.float64)[:, None]
    share = bilinear(plan.shares, *np.broadcast_arrays(x / BLOCK, y / BLOCK))
    seen = [
        _seen(blocks.coefficients, picture, x, y)
        for blocks, picture in ((plan.left, pictures[0]), (plan.right, pictures[1]))
    ]
    luma = [np.clip((s.y - BLACK) * tone.gain + BLACK, 0, 255) for s, tone in zip(seen, tones, strict=True)]
    mixed = luma[0] * (1 - share) + luma[1] * share
    quads = mixed[::2, ::2] + mixed[::2, 1::2] + mixed[1::2, ::2] + mixed[1::2, 1::2]
    bright = quads / 4 - BLACK
    made = [mixed]
    for plane in (1, 2):
        colour = [
            np.clip((s[plane] - GREY) * tone.gain + bright * tone[plane] + GREY, 0, 255)
            for s, tone in zip(seen, tones, strict=True)
        ]
        made.append(colour[0] * (1 - share[::2, ::2]) + colour[1] * share[::2, ::2])
    return Planes(*made)


def _seen(coefficients: np.ndarray, picture: Nv12, x: np.ndarray, y: np.ndarray) -> Planes:
    """One picture as the panorama sees it, uncorrected. A chroma sample sits in the middle of its luma samples."""
    luma = bilinear(picture.y, *positions(coefficients, x, y))
    across, down = positions(coefficients, x[:, ::2] + 0.5, y[::2] + 0.5)
    place = (across - 0.5) / 2, (down - 0.5) / 2
    return Planes(luma, bilinear(picture.uv[..., 0], *place), bilinear(picture.uv[..., 1], *place))


def reduced(luma: np.ndarray, factor: int) -> np.ndarray:
    """Means of ``factor`` x ``factor`` samples."""
    rows, columns = luma.shape[0] // factor, luma.shape[1] // factor
    whole = luma[: rows * factor, : columns * factor].astype(np.float64)
    return whole.reshape(rows, factor, columns, factor).mean(axis=(1, 3))


def check(made: Nv12, wanted: Planes) -> None:
    """Luma and chroma within one level for 99.9 % of the samples, and within two everywhere."""
    for name, plane, exact in zip("YUV", (made.y, made.uv[..., 0], made.uv[..., 1]), wanted, strict=True):
        error = np.abs(plane - exact)
        assert np.mean(error <= 1.0) >= 0.999, (
            f"{name}: {np.mean(error > 1.0):.4%} are off by more than a level"
        )
        assert error.max() <= 2.0, (
            f"{name}: {error.max():.2f} levels at {np.argwhere(error == error.max())[0]}"
        )
