"""Connected parts of any mask are OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis import components
from touchline.analysis.components import Components

FINDER = Components()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 0.7), st.integers(1, 40), st.integers(4, 80), st.integers(1, 4))
def test_parts_are_those_that_opencv_finds(
    seed: int, share: float, rows: int, columns: int, strips: int
) -> None:
    rng = np.random.default_rng(seed)
    kinds = np.where(rng.random((rows, columns)) < share, rng.integers(2, 4, (rows, columns)), 0).astype(
        np.uint8
    )
    luma = rng.integers(0, 256, (rows, columns)).astype(np.uint8)
    background = (rng.integers(0, 256, (rows, columns)) << 8).astype(np.uint16)
    edges = np.linspace(0, columns, strips + 1).astype(np.int64)
    counts = np.add.reduceat(kinds >= 2, edges[:-1], axis=1).astype(np.int32)
    made = FINDER.of(kinds, 2, luma, background, counts, edges)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(
        (kinds >= 2).astype(np.uint8), connectivity=8
    )
    assert len(made) == count - 1
    key = np.lexsort((made["left"], made["top"], made["area"], made["x"], made["y"]))
    own = np.stack([made[name] for name in ("left", "top", "right", "bottom", "area")], axis=-1)[key]
    other = stats[1:].copy()
    other[:, 2:4] += other[:, :2]
    its = np.lexsort(
        (
            other[:, 0],
            other[:, 1],
            other[:, 4],
            centres[1:, 0].astype(np.float32),
            centres[1:, 1].astype(np.float32),
        )
    )
    assert sorted(map(tuple, own.tolist())) == sorted(map(tuple, other.tolist()))
    assert np.allclose(np.sort(made["x"]), np.sort(centres[1:, 0]), atol=1e-3)
    assert len(its) == len(key)
    off = luma.astype(float) - background / 256
    if count > 1:
        part = made[np.argmax(made["area"])]
        label = labels[int(part["top"]), int(part["left"]) : int(part["right"])]
        inside = labels == label[label > 0][0]
        if np.count_nonzero(inside) == part["area"]:
            assert abs(part["highest"] - off[inside].max()) < 1e-3
            assert abs(part["contrast"] - np.abs(off[inside]).mean()) < 1e-2


def test_more_runs_than_a_scene_has_are_none(monkeypatch) -> None:
    monkeypatch.setattr(components, "MOST_RUNS", 10)
    kinds = np.zeros((8, 8), np.uint8)
    kinds[:, ::2] = 2
    args = (
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8), np.uint16),
        np.full((8, 1), 4, np.int32),
        np.array([0, 8]),
    )
    assert len(Components().of(kinds, 2, *args)) == 0
