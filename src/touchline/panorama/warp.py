"""From geometry to the tables that the kernels read: polynomials for each block, and where pictures meet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Panorama, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama import plane_kernels
from touchline.panorama.fetches import Picture
from touchline.panorama.kernels import BLOCK, LEFT, LEFT_INSIDE, ONE, RIGHT, RIGHT_INSIDE, TERMS

Floats = NDArray[np.float64]

_STEEP = 10.0  # how much faster the upper and lower edges lose their weight than the outer ones


def picture_of(frame: Nv12) -> Picture:
    """Addresses and strides of a frame for a kernel. The frame must outlive their use.

    Raises:
        ValueError: for planes whose sizes do not belong together, or whose last axes are not contiguous, or for a
            picture smaller than 4x4.
    """
    y, uv = frame.y, frame.uv
    if y.dtype != np.uint8 or uv.dtype != np.uint8 or y.strides[1] != 1 or uv.strides[1:] != (2, 1):
        raise ValueError("an NV12 picture's planes must be bytes without gaps inside a row")
    if uv.shape != (frame.height // 2, frame.width // 2, 2) or frame.width % 2 or frame.height % 2:
        raise ValueError(f"chroma of shape {uv.shape} does not belong to luma of shape {y.shape}")
    if frame.width < 4 or frame.height < 4:
        raise ValueError(f"a picture of {frame.width}x{frame.height} is too small to resample")
    return (
        int(y.__array_interface__["data"][0]),
        y.strides[0],
        int(uv.__array_interface__["data"][0]),
        uv.strides[0],
        frame.width,
        frame.height,
    )


def writable_picture_of(frame: Nv12) -> Picture:
    """As :func:`picture_of`, for a frame that will be written. Raises ValueError also if it is read-only."""
    if not (frame.y.flags.writeable and frame.uv.flags.writeable):
        raise ValueError("the picture to be written is read-only")
    return picture_of(frame)


def block_count(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of blocks that cover a picture."""
    return -(-height // BLOCK), -(-width // BLOCK)


def node_positions(width: int, height: int) -> tuple[Floats, Floats]:
    """Luma x, shape (1, columns + 3), and y, shape (rows + 3, 1), of all block corners and one ring more."""
    rows, columns = block_count(width, height)
    x = np.arange(-1, columns + 2, dtype=np.float64) * BLOCK
    y = np.arange(-1, rows + 2, dtype=np.float64) * BLOCK
    return x[None, :], y[:, None]


@dataclass(frozen=True)
class Blocks:
    """Where each block of a picture comes from.

    Attributes:
        coefficients: see :mod:`touchline.panorama.kernels`; int32, shape (rows, columns, 12).
        inside: 1 where no fetch needs clamping; uint8, shape (rows, columns).
    """

    coefficients: NDArray[np.int32]
    inside: NDArray[np.uint8]

    @classmethod
    def empty(cls, width: int, height: int) -> Blocks:
        """Room for the blocks of a picture of that size."""
        rows, columns = block_count(width, height)
        return cls(np.zeros((rows, columns, TERMS), np.int32), np.zeros((rows, columns), np.uint8))

    def fit(self, nodes: Floats, source_size: tuple[int, int]) -> None:
        """Takes the source positions ``nodes``, shape (rows + 3, columns + 3, 2), of :func:`node_positions`."""
        plane_kernels.fit_rows(0, len(self.inside), nodes, *source_size, self.coefficients, self.inside)

    def positions(self, x: Any, y: Any) -> Floats:
        """The source positions, shape (..., 2), that the kernels use for whole luma coordinates of the picture."""
        x, y = np.broadcast_arrays(np.asarray(x), np.asarray(y))
        p = self.coefficients[y // BLOCK, x // BLOCK].astype(np.float64) / 65536
        i, r = x % BLOCK, y % BLOCK
        terms = np.stack([np.ones_like(i), i, r, i * r, i * i, r * r], axis=-1)
        return np.stack([(p[..., :6] * terms).sum(-1), (p[..., 6:] * terms).sum(-1)], axis=-1)


@dataclass(frozen=True)
class StitchPlan:
    """Everything about a rig and a panorama that the stitching kernel needs; made once.

    Attributes:
        left, right: where the blocks come from in each picture.
        kinds: which pictures each block shows; uint8, shape (rows, columns).
        weights: share of the right picture; int32, shape (rows, columns, 4).
        shares: the same at the block corners as numbers 0 .. 1, shape (rows + 1, columns + 1).
    """

    left: Blocks
    right: Blocks
    kinds: NDArray[np.uint8]
    weights: NDArray[np.int32]
    shares: Floats


def plan_stitch(rig: Rig, panorama: Panorama, feather_deg: float) -> StitchPlan:
    """Plans the panorama of a rig of two cameras.

    Args:
        rig: the cameras; the first and the last are used.
        panorama: what to make.
        feather_deg: width of the band in which one picture fades into the other; less where the overlap is narrower.
    """
    x, y = node_positions(panorama.width, panorama.height)
    rays = panorama.rays(x, y)
    shares = right_share(rig, rays[1:-1, 1:-1], feather_deg)
    parts = []
    for camera in (rig.left, rig.right):
        blocks = Blocks.empty(panorama.width, panorama.height)
        blocks.fit(source_positions(camera, rays), (camera.width, camera.height))
        parts.append(blocks)
    kinds, weights = lay_shares(shares, parts[0].inside, parts[1].inside)
    return StitchPlan(parts[0], parts[1], kinds, weights, shares)


def lay_shares(
    shares: Floats, left_inside: NDArray[np.uint8], right_inside: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """What the kernel reads of the right picture's shares.

    Args:
        shares: at the block corners, 0 .. 1, shape (rows + 1, columns + 1).
        left_inside, right_inside: which blocks need no clamping in each picture, shape (rows, columns).

    Returns:
        :attr:`StitchPlan.kinds` and :attr:`StitchPlan.weights`.
    """
    c00, c10, c01, c11 = shares[:-1, :-1], shares[:-1, 1:], shares[1:, :-1], shares[1:, 1:]
    least = np.minimum(np.minimum(c00, c10), np.minimum(c01, c11))
    most = np.maximum(np.maximum(c00, c10), np.maximum(c01, c11))
    kinds = np.where(least < 1, LEFT + LEFT_INSIDE * left_inside, 0)
    kinds += np.where(most > 0, RIGHT + RIGHT_INSIDE * right_inside, 0)
    slopes = [c00, (c10 - c00) / BLOCK, (c01 - c00) / BLOCK, (c11 - c10 - c01 + c00) / BLOCK**2]
    weights = np.rint(np.stack(slopes, axis=-1) * ONE).astype(np.int32)
    return kinds.astype(np.uint8), weights


def source_positions(camera: Camera, rays: Floats) -> Floats:
    """Pixel positions, shape (..., 2), of directions also beyond the picture's edge; nan where the lens has none."""
    pixels, _ = camera.project(rays)
    return np.where(pixels > -1e5, pixels, np.nan)


def right_share(rig: Rig, rays: Floats, feather_deg: float) -> Floats:
    """How much of the right picture to show in each direction, 0 .. 1, shape of ``rays`` less the last axis.

    Each picture counts by how far inside it a direction falls: where both are equally far in lies the seam,
    and the shares change from 0 to 1 within ``feather_deg`` around it, or within the overlap where that is narrower.
    So the seam finds the middle of an overlap of any shape, and no picture is shown at its very edge, where
    lenses are worst, unless it is alone.
    """
    depths = [depth_inside(camera, rays) for camera in (rig.left, rig.right)]
    depth = depths[0] + depths[1]
    per_degree = math.radians(1.0) * (rig.left.fx + rig.right.fx) / 2
    # One block less than the overlap: between block corners the share is only interpolated.
    band = np.clip(depth - BLOCK, 1.0, max(1.0, feather_deg * per_degree))
    share = np.clip(0.5 + 0.5 * (depths[1] - depths[0]) / band, 0.0, 1.0)
    return settled(share)


def settled(share: Floats) -> Floats:
    """Shares of which those below 1/256 are none: there is nothing to see, but a whole second picture to compute."""
    return np.asarray(np.where(share < 1 / 256, 0.0, np.where(share > 1 - 1 / 256, 1.0, share)))


def edge_distance(camera: Camera, rays: Floats) -> Floats:
    """How many pixels inside its picture (negative: outside) a camera sees a direction, shape (...,)."""
    return np.asarray(np.minimum(*_edge_distances(camera, rays)))


def depth_inside(camera: Camera, rays: Floats) -> Floats:
    """As :func:`edge_distance`, but the upper and lower edges count only from close by.

    Along them both pictures are equally far in over the whole width of the overlap, and would be mixed there.
    """
    across, down = _edge_distances(camera, rays)
    return np.asarray(np.minimum(across, _STEEP * down))


def _edge_distances(camera: Camera, rays: Floats) -> tuple[Floats, Floats]:
    pixels, _ = camera.project(rays)
    x, y = pixels[..., 0], pixels[..., 1]
    across, down = np.minimum(x, camera.width - 1 - x), np.minimum(y, camera.height - 1 - y)
    return np.maximum(across, -1e4), np.maximum(down, -1e4)
