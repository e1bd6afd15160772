"""Bilinear means of packed samples are exact, whatever instructions the processor has for them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
from numba import njit

from touchline.panorama.lanes import COUNT, fetch, first_two, iota, mix_pairs, store_words_halves

TIMES = 200  # sixteen means each


@njit
def means(rows: tuple[int, int], weights: tuple[int, int], offsets: int, out: int) -> None:
    """Addresses: of both rows of bytes; of weights and offsets into the rows, int32; and of the means, uint16."""
    for at in range(0, TIMES * COUNT, COUNT):
        lane = iota() * 4
        where = fetch(offsets + 4 * at, lane)
        top, bottom = first_two(fetch(rows[0], where)), first_two(fetch(rows[1], where))
        wx, wy = fetch(weights[0] + 4 * at, lane), fetch(weights[1] + 4 * at, lane)
        store_words_halves(out + 2 * at, out + 2 * at + COUNT, mix_pairs(top, bottom, wx, wy))


def check() -> None:
    rng = np.random.default_rng(2)
    count = TIMES * COUNT
    rows = rng.integers(0, 256, (2, 5000), dtype=np.uint8)
    weights = rng.integers(0, 257, (2, count), dtype=np.int32)
    rows[:, :2000] = rng.choice([0, 255], (2, 2000))
    weights[:, :2000] = rng.choice([0, 1, 255, 256], (2, 2000))
    offsets = np.arange(count, dtype=np.int32)
    out = np.zeros(count, np.uint16)
    address = tuple(row.ctypes.data for row in rows), tuple(weight.ctypes.data for weight in weights)
    means(*address, offsets.ctypes.data, out.ctypes.data)
    wx, wy = weights.astype(np.int64)
    first, second = (
        rows[0, offsets + n] * (256 - wy) + rows[1, offsets + n].astype(np.int64) * wy for n in (0, 1)
    )
    np.testing.assert_array_equal(out, (first * (256 - wx) + second * wx) >> 8)


def test_means_are_exact() -> None:
    check()


def test_means_are_exact_without_this_processors_instructions() -> None:
    """Compiled for the plainest processor of the kind, as the means are where there is no AVX2."""
    plain = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run([sys.executable, __file__], env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    check()
