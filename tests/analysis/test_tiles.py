"""Tiles: where they lie, and every number in them against a definition that goes fetch by fetch in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis.tiles import BatchFormat, CpuTiles, Tile, cover, fetches_of, reference
from touchline.gst.nv12 import Nv12

TILES = (
    Tile(0, 0, 64, 48),
    Tile(37, 21, 64, 48),  # odd begin: chroma between its samples
    Tile(236, 130, 64, 48),  # flush with the far corner
    Tile(-20, 150, 64, 48),  # partly outside
    Tile(10, 5, 200, 150),  # coarser: several fetches
    Tile(100, 60, 30, 100),  # stretched
    Tile(400, 400, 64, 48),  # nothing to see
)


def noise(width: int, height: int, pad: int = 0) -> Nv12:
    stride = width + pad
    memory = np.random.default_rng(width).integers(0, 256, stride * height * 3 // 2, np.uint8)
    return Nv12.over(memory, width, height, (stride, stride), (0, stride * height))


@pytest.mark.parametrize("colorimetry", ["bt709", "bt601"])
@pytest.mark.parametrize("number", ["float32", "float16"])
def test_a_batch_equals_its_definition(colorimetry, number):
    batch = BatchFormat(64, 48, number, colorimetry, mean=(0.4, 0.5, 0.3), std=(0.2, 1.0, 3.0))
    panorama = noise(300, 178, pad=6)
    made = CpuTiles((300, 178), TILES, batch).cut(panorama)
    wanted = reference(panorama, TILES, batch)
    assert made.shape == batch.shape(len(TILES))
    assert made.dtype == np.dtype(number)
    assert np.abs(made - wanted).max() < (2e-5 if number == "float32" else 3e-3)


def test_the_reference_knows_grey_and_the_three_colours():
    """The colours of a test card in limited range BT.709, by the recommendation's own figures."""
    card = {
        (16, 128, 128): (0, 0, 0),
        (235, 128, 128): (1, 1, 1),
        (63, 102, 240): (1, 0, 0),
        (173, 42, 26): (0, 1, 0),
        (32, 240, 118): (0, 0, 1),
    }
    for levels, colour in card.items():
        panorama = Nv12.empty(16, 16)
        panorama.fill(*levels)
        made = reference(panorama, [Tile(0, 0, 16, 16)], BatchFormat(8, 8))
        assert np.abs(made - np.array(colour)[None, :, None, None]).max() < 0.005


def test_the_other_matrix_is_bt601s():
    panorama = Nv12.empty(16, 16)
    panorama.fill(81, 90, 240)  # red there
    made = reference(panorama, [Tile(0, 0, 16, 16)], BatchFormat(8, 8, colorimetry="bt601"))
    assert np.abs(made - np.array((1, 0, 0))[None, :, None, None]).max() < 0.005


def test_an_unscaled_tile_shows_its_own_pixels():
    panorama = noise(300, 178)
    panorama.uv[:] = 128
    made = reference(panorama, [Tile(37, 21, 64, 48)], BatchFormat(64, 48))
    grey = np.clip((panorama.y[21:69, 37:101].astype(float) - 16) / 219, 0, 1)
    assert np.abs(made - grey).max() < 1e-12


def test_what_lies_outside_is_black():
    panorama = Nv12.empty(64, 64)
    panorama.fill(235, 128, 128)
    batch = BatchFormat(32, 32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    made = CpuTiles((64, 64), [Tile(48, -16, 32, 32)], batch).cut(panorama)[0]
    assert (made[:, :16] == -2).all(), "above"
    assert (made[:, :, 16:] == -2).all(), "to the right"
    assert np.abs(made[:, 16:, :16] - 2).max() < 1e-5


def test_fine_stripes_become_grey():
    """Stripes finer than a tile's samples must not become other stripes."""
    panorama = Nv12.empty(640, 64)
    panorama.fill(16, 128, 128)
    panorama.y[:, ::2] = 235
    made = CpuTiles((640, 64), [Tile(0, 0, 640, 64)], BatchFormat(128, 64)).cut(panorama)
    assert fetches_of(Tile(0, 0, 640, 64), BatchFormat(128, 64)) == 4
    assert np.abs(made - 0.5).max() < 0.15


@settings(max_examples=200, deadline=None)
@given(
    size=st.tuples(st.integers(2, 6000), st.integers(2, 6000)),
    tile=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    share=st.floats(0, 0.6),
)
def test_a_cover_covers(size, tile, share):
    overlap = min(int(share * min(tile)), min(tile) - 1)
    if max(size[0] / (tile[0] - overlap), size[1] / (tile[1] - overlap)) > 60:
        tile, overlap = (800, 700), int(share * 700)
    tiles = cover(size, tile, overlap)
    columns, rows = sorted({t.x for t in tiles}), sorted({t.y for t in tiles})
    assert [(t.x, t.y) for t in tiles] == [(x, y) for y in rows for x in columns]
    for starts, full, part in ((columns, size[0], tile[0]), (rows, size[1], tile[1])):
        assert starts[0] == 0
        assert starts[-1] == max(0, full - part), "the last is flush with the edge"
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= part - overlap).all(), "neighbours overlap"
        fewest = 1 if full <= part else -(-(full - part) // (part - overlap)) + 1
        assert len(starts) == fewest


def test_a_cover_of_a_panorama_is_aligned_where_it_can_be():
    tiles = cover((5700, 1900), (1024, 1024), 128)
    assert len(tiles) == 14
    assert all(t.x % 4 == 0 and t.y % 2 == 0 for t in tiles)
    assert max(t.x for t in tiles) == 4676


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        CpuTiles((64, 64), [], BatchFormat(8, 8))
    with pytest.raises(ValueError, match="64x64, not 32x32"):
        CpuTiles((64, 64), [Tile(0, 0, 8, 8)], BatchFormat(8, 8)).cut(Nv12.empty(32, 32))
    with pytest.raises(ValueError, match="0x5"):
        Tile(0, 0, 0, 5)
    with pytest.raises(ValueError, match="float64"):
        BatchFormat(8, 8, "float64")
    with pytest.raises(ValueError, match="bt2020"):
        BatchFormat(8, 8, colorimetry="bt2020")
    with pytest.raises(ValueError, match="deviations"):
        BatchFormat(8, 8, std=(1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="share 8"):
        cover((64, 64), (8, 8), 8)
