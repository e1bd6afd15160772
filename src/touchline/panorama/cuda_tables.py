"""What the GPU's stitching and sampling kernels read and write besides pictures: tables and arguments.

Nothing here needs a GPU.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.kernels import LEFT, ONE, RIGHT, UNITY
from touchline.panorama.warp import StitchPlan, block_count

SAMPLE = np.dtype([("luma", "<u2"), ("u", "u1"), ("v", "u1")])  # of cuda_gain.cu
_BLACK, _GREY = 16 / 255, 128 / 255  # levels are 0 .. 1
_LEFT_ALONE, _RIGHT_ALONE = -1, -2  # kinds of blocks; others are numbered
_ORIGIN = 0x4B400000  # what the kernel's row and column numbers are too large by
_WORD = (1 << 64) - 1
_INSIDE = 5e-4  # of a sample, by which the last position stays before the last sample


class Planes(ctypes.Structure):
    """``Planes`` of cuda_gain.cu: where a picture's planes are."""

    _fields_ = (
        ("y", ctypes.c_uint64),
        ("uv", ctypes.c_uint64),
        ("y_pitch", ctypes.c_int32),
        ("uv_pitch", ctypes.c_int32),
    )


class StitchTables(NamedTuple):
    """A plan as the kernel reads it; an eighth of a byte for each sample of the panorama.

    Attributes:
        kinds: -1 for a block that shows the left picture alone, away from its edge; -2 the right one; others count
            from 0; int32, shape (rows, columns).
        first: polynomials of the right picture's positions where the kind is -2, else of the left one's, in samples;
            float32, shape (rows, columns, 12), terms as in :mod:`touchline.panorama.kernels`.
        second: for the others the right picture's polynomials and its share, 0 .. 1; float32, shape (n, 16).
    """

    kinds: NDArray[np.int32]
    first: NDArray[np.float32]
    second: NDArray[np.float32]


def stitch_tables(plan: StitchPlan) -> StitchTables:
    """The tables of a plan."""
    shown = plan.kinds & (LEFT | RIGHT)
    left = (shown == LEFT) & (plan.left.inside > 0)
    right = (shown == RIGHT) & (plan.right.inside > 0)
    others = ~(left | right)
    kinds = np.where(left, _LEFT_ALONE, _RIGHT_ALONE).astype(np.int32)
    kinds[others] = np.arange(np.count_nonzero(others))
    first = np.where(right[..., None], plan.right.coefficients, plan.left.coefficients) / ONE
    weights = plan.weights[others] / ONE
    weights[shown[others] == LEFT] = 0
    weights[shown[others] == RIGHT] = [1, 0, 0, 0]
    second = np.concatenate([plan.right.coefficients[others] / ONE, weights], axis=-1)
    return StitchTables(kinds, first.astype(np.float32), second.astype(np.float32))


class Tables(ctypes.Structure):
    """``Tables`` of cuda_stitch.cu: device addresses."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in StitchTables._fields)


class Source(ctypes.Structure):
    """``Source`` of cuda_stitch.cu: a picture and its correction, in single precision and twice in half precision."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("y", "uv", "luma")),
        *((name, ctypes.c_int32) for name in ("y_pitch", "uv_pitch")),
        *((name, ctypes.c_float) for name in ("right", "bottom")),
        *((name, ctypes.c_float) for name in ("gain", "black", "tint_u", "tint_v")),
        *(
            (name, ctypes.c_uint32)
            for name in ("gain_loaded", "gain_gathered", "black_twice", "tint", "grey")
        ),
    )

    @classmethod
    def toned(cls, planes: Planes, size: tuple[int, int], luma: int, tone: NDArray[np.int32]) -> Source:
        """A picture under a row of :meth:`touchline.panorama.gain.Difference.tones`.

        Args:
            planes: where it is.
            size: its width and height.
            luma: texture over its luma.
            tone: gain and tints; 4096 is one.
        """
        gain, u, v = (float(value) / UNITY for value in tone)
        width, height = size
        ends = (n - 1 - _INSIDE for n in (width // 2, height // 2))
        black = _BLACK * (1 - gain)
        # The sum of four luma levels is four times the brightness and four times black.
        greys = (_GREY * (1 - gain) - _BLACK * tint for tint in (u, v))
        return cls(
            planes.y - _ORIGIN * (planes.y_pitch + 1) & _WORD,
            planes.uv - _ORIGIN * (planes.uv_pitch + 2) & _WORD,
            luma,
            planes.y_pitch,
            planes.uv_pitch,
            *ends,
            *(gain, black, u, v),
            _halves(gain * 512 / 255, gain * 512 / 255),
            _halves(gain, gain),
            _halves(black, black),
            _halves(u / 4, v / 4),
            _halves(*greys),
        )


def _halves(first: float, second: float) -> int:
    """Two numbers of half precision in one word."""
    return int(np.array([first, second], np.float16).view(np.uint32)[0])


class Target(ctypes.Structure):
    """``Target`` of cuda_stitch.cu: the panorama to be written."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("y", "uv")),
        *(
            (name, ctypes.c_int32)
            for name in ("y_pitch", "uv_pitch", "width", "height", "columns", "whole_words")
        ),
    )

    @classmethod
    def over(cls, planes: Planes, size: tuple[int, int]) -> Target:
        """A panorama of that width and height."""
        columns = block_count(*size)[1]
        whole = (planes.y | planes.uv | planes.y_pitch | planes.uv_pitch) % 4 == 0
        return cls(planes.y, planes.uv, planes.y_pitch, planes.uv_pitch, *size, columns, whole)


def unpacked(samples: NDArray[np.void]) -> NDArray[np.int32]:
    """Pairs of samples of cuda_gain.cu, shape (n, 2), as the processor's way has them: six numbers for each pair.

    See :func:`touchline.panorama.plane_kernels.sample_points`; there, chroma counts twice.
    """
    luma, u, v = (samples[name].astype(np.int32) for name in ("luma", "u", "v"))
    return np.stack([luma, 2 * u, 2 * v], axis=-1).reshape(len(samples), 6)
