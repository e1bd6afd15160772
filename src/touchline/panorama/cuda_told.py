"""What the host and cuda_gain.cu have agreed on."""

from __future__ import annotations

import numpy as np

from touchline.panorama.gain import BRIGHT, DARK, ENOUGH, NEAR, NEAR_TINT, Difference

THREADS, MOST_POINTS = 512, 2048  # as in the kernel
TOLD = np.dtype(
    [("log_gain", "<f8"), ("tint_u", "<f8"), ("tint_v", "<f8"), ("good", "<i4"), ("unused", "<i4")]
)
OPTIONS = tuple(
    f"-D{name}={value!r}"
    for name, value in {"DARK": DARK, "BRIGHT": BRIGHT, "NEAR": NEAR, "NEAR_TINT": NEAR_TINT}.items()
)


def told_difference(told: np.void) -> Difference | None:
    """What the kernel has written, of type ``TOLD``, as :func:`touchline.panorama.gain.difference_of` says it."""
    if told["good"] < ENOUGH:
        return None
    return Difference(float(told["log_gain"]), float(told["tint_u"]), float(told["tint_v"]))
