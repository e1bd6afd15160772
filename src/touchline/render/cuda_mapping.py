"""What the resampling kernels are told: where the samples of a picture come from. Needs no GPU."""

from __future__ import annotations

import ctypes
import math
from typing import NamedTuple

import numpy as np

from touchline.geometry import Panorama, View, rays_to_angles
from touchline.render.kernels import MOST
from touchline.render.resample import COARSE

FILES = ("cuda_mapping.cu", "cuda_cells.cu", "cuda_blocks.cu")
PROJECTIONS = {"equirectangular": 0, "cylindrical": 1, "affine": 2, "pitch": 3}

_BENT = 0.001  # samples of the panorama that a polynomial may be wrong by before it is used for less
_LOOSE = 0.05  # the same where it only says what to copy
_CELL, _COLUMN, _TILE = 2.5, 3.5, 23.0  # luma samples from a polynomial's middle to its furthest fetch
_ROWS = 80  # of luma that a block has room for in shared memory; of chroma half as many and 2
_PITCH = 144  # bytes of a row there


class Mapping(ctypes.Structure):
    """``Mapping`` of cuda_mapping.cu: where the samples of the output come from."""

    _fields_ = (
        ("start_x", ctypes.c_float),
        ("start_y", ctypes.c_float),
        ("step_x", ctypes.c_float),
        ("step_y", ctypes.c_float),
        ("sine", ctypes.c_float),
        ("cosine", ctypes.c_float),
        ("scale_x", ctypes.c_float),
        ("scale_y", ctypes.c_float),
        ("origin_x", ctypes.c_float),
        ("origin_y", ctypes.c_float),
        ("turn_sine", ctypes.c_float),
        ("turn_cosine", ctypes.c_float),
        ("fetches", ctypes.c_int32),
        ("rows", ctypes.c_int32),
    )


class Output(ctypes.Structure):
    """``Output`` of cuda_mapping.cu: planes, and the part of them that shows something."""

    _fields_ = (
        ("luma", ctypes.c_uint64),
        ("chroma", ctypes.c_uint64),
        ("luma_pitch", ctypes.c_int32),
        ("chroma_pitch", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("left", ctypes.c_int32),
        ("top", ctypes.c_int32),
        ("right", ctypes.c_int32),
        ("bottom", ctypes.c_int32),
    )


def fetches_for(coarsest: float) -> int:
    """How many bilinear fetches along each axis one sample takes, as on the processor.

    Args:
        coarsest: the longest step in the source, in samples, that goes with one sample's step in the output.
    """
    return math.ceil(min(max(coarsest / COARSE, 1.0), MOST))


class Launch(NamedTuple):
    """Which kernel makes a view, in what blocks of threads.

    Attributes:
        kernel: its name.
        block: threads along x and y.
        tile: luma samples that a block makes.
        shared: bytes of shared memory that a block has.
    """

    kernel: str
    block: tuple[int, int]
    tile: tuple[int, int]
    shared: int = 0

    def grid(self, width: int, height: int) -> tuple[int, int]:
        """Blocks along x and y that make a picture of that size."""
        return -(-width // self.tile[0]), -(-height // self.tile[1])


_BLOCKS = Launch("blocks", (32, 4), (32, 32), _PITCH * (_ROWS + _ROWS // 2 + 2))
_CELLS = {2: Launch("cells_2", (16, 8), (64, 16))}
_ANY_CELLS = Launch("cells", (16, 8), (64, 16))
_FINE_CELLS = Launch("fine_cells", (16, 8), (32, 16))


def launch_of(mapping: Mapping, bend: float) -> Launch:
    """The kernel for a mapping.

    Args:
        bend: what a polynomial of second order leaves out at one luma sample from its middle, in source samples.
    """
    if mapping.fetches == 1 and bend * _COLUMN**3 <= _BENT and bend * _TILE**3 <= _LOOSE:
        return _BLOCKS
    return _CELLS.get(mapping.fetches, _ANY_CELLS) if bend * _CELL**3 <= _BENT else _FINE_CELLS


def view_mapping(panorama: Panorama, view: View, width: int, height: int) -> tuple[Mapping, float]:
    """What the kernels need to know of a view of that size, and how strongly the mapping bends (:func:`launch_of`).

    Yaw is taken against the view's own, so that it does not jump at half a turn inside the picture.
    """
    step = 2 * math.tan(math.radians(view.fov_deg) / 2) / width
    pitch = math.radians(view.pitch_deg)
    first, last = (float(panorama.columns_of(yaw)) for yaw in (panorama.yaw_min, panorama.yaw_max))
    scale_x = panorama.width / (last - first)
    top, bottom = float(panorama.rows_of(panorama.pitch_max)), float(panorama.rows_of(panorama.pitch_min))
    scale_y = panorama.height / (bottom - top)
    half = step * (height - 1) / 2
    yaw = math.radians(view.yaw_deg)
    if panorama.projection == "pitch":
        origin_x, turn = -first * scale_x - 0.5, yaw - panorama.normal
        coarsest, bend = _measured(panorama, view, step, width, height)
    else:
        origin_x, turn = (yaw - first) * scale_x - 0.5, 0.0
        coarsest, bend = _derived(panorama, pitch, step, half, scale_x, scale_y)
    mapping = Mapping(
        -step * (width - 1) / 2,
        -half,
        step,
        step,
        math.sin(pitch),
        math.cos(pitch),
        scale_x,
        scale_y,
        origin_x,
        -top * scale_y - 0.5,
        math.sin(turn),
        math.cos(turn),
        fetches_for(coarsest),
        _ROWS,
    )
    return mapping, bend


def _derived(
    panorama: Panorama, pitch: float, step: float, half: float, scale_x: float, scale_y: float
) -> tuple[float, float]:
    """The longest step in the panorama, in samples, and the bend, where the panorama is even in yaw."""
    nearest = max(math.cos(pitch) - abs(math.sin(pitch)) * half, 1e-3)
    steps = _steepest(panorama, pitch, half, nearest)
    # The third order of atan(x / nearest).
    return step * max(scale_x * steps[0], -scale_y * steps[1]), scale_x / 3 * (step / nearest) ** 3


def _measured(panorama: Panorama, view: View, step: float, width: int, height: int) -> tuple[float, float]:
    """The same in the pitch projection: from the mapping itself, at places all over the view.

    Each axis is a quotient that is steepest, and bends most, at the view's edge; the places are on it too.
    """
    short = 0.003  # of the view's plane at distance 1: differences of so little are precise in float64
    away = np.arange(-2, 3) * (short / step)
    x = np.linspace(0, width - 1, 9)[None, :, None, None]
    y = np.linspace(0, height - 1, 5)[:, None, None, None]
    lines = np.array(
        [(1.0, 0.0), (0.0, 1.0), (math.sqrt(0.5), math.sqrt(0.5)), (math.sqrt(0.5), -math.sqrt(0.5))]
    )
    ahead = View(0.0, view.pitch_deg, view.fov_deg)
    rays = ahead.rays(x + lines[:, :1] * away, y + lines[:, 1:] * away, width, height)
    yaw, pitch = rays_to_angles(rays)
    at = np.stack(panorama.angles_to_pixels(yaw + math.radians(view.yaw_deg), pitch), axis=-1)
    first = (at[..., 3, :] - at[..., 1, :]) * (step / short / 2)
    third = (at[..., 4, :] - 2 * at[..., 3, :] + 2 * at[..., 1, :] - at[..., 0, :]) * (step / short) ** 3 / 2
    return float(np.nanmax(np.abs(first[:, :, :2]))), float(np.nanmax(np.abs(third))) / 6


def _steepest(panorama: Panorama, pitch: float, half: float, nearest: float) -> tuple[float, float]:
    """How fast, at most, the panorama's two coordinates change with a step in the view's plane, at distance 1.

    Yaw changes fastest in the middle of that edge which is ``nearest`` to the panorama's axis, and pitch in the
    picture's middle, where it does by the same angle. Its tangent does either in the middle of that edge or beside it,
    where the view's rows lean most.

    Args:
        pitch: of the view, radians.
        half: of the picture's height, in the view's plane at distance 1.
        nearest: distance of that edge from the panorama's axis.
    """
    if panorama.projection == "equirectangular":
        return 1 / nearest, 1.0
    rise = abs(math.sin(pitch)) + math.cos(pitch) * half
    return 1 / nearest, max(1.0, 2 / math.sqrt(27) * rise) / nearest**2


def whole_mapping(
    source_size: tuple[int, int], width: int, height: int
) -> tuple[Mapping, tuple[int, int, int, int]]:
    """Where the samples of the programme's picture come from, and its part that shows something."""
    full = (width, height)
    scale = min(width / source_size[0], height / source_size[1])
    inner = [max(2, min(f, round(s * scale / 2) * 2)) for f, s in zip(full, source_size, strict=True)]
    left, top = ((f - i) // 4 * 2 for f, i in zip(full, inner, strict=True))
    step_x, step_y = (s / i for s, i in zip(source_size, inner, strict=True))
    mapping = Mapping(
        start_x=(0.5 - left) * step_x - 0.5,
        start_y=(0.5 - top) * step_y - 0.5,
        step_x=step_x,
        step_y=step_y,
        fetches=fetches_for(max(step_x, step_y)),
        rows=_ROWS,
    )
    return mapping, (left, top, left + inner[0], top + inner[1])
