"""Small versions of a luma plane, for analysis that needs no detail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.panorama.plane_kernels import reduce_plane

Plane = NDArray[np.uint8]


def reduce_luma(plane: Plane, factor: int, out: Plane) -> None:
    """Writes the means of ``factor`` x ``factor`` samples.

    Args:
        plane: luma, shape (height, width), uint8; rows may be padded.
        factor: 1 .. 16.
        out: written, shape (height // factor, width // factor); rows and columns that fill no whole cell are left out.

    Raises:
        ValueError: for another factor, an output of another shape, or samples that are not next to each other.
    """
    if not 1 <= factor <= 16:
        raise ValueError(f"a plane can be reduced by 1 to 16, not by {factor}")
    wanted = (plane.shape[0] // factor, plane.shape[1] // factor)
    if out.shape != wanted:
        raise ValueError(f"the reduced plane must have shape {wanted}, not {out.shape}")
    if plane.strides[1] != 1:
        raise ValueError("the samples of a row must lie next to each other")
    stride = plane.strides[0]
    length = (plane.shape[0] - 1) * stride + plane.shape[1] if plane.size else 0
    flat = np.lib.stride_tricks.as_strided(plane, (length,), (1,), writeable=False)
    reduce_plane(flat, stride, factor, out)
