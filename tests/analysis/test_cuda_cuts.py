"""The kernel that cuts tiles, run on the processor, against the float64 definition on random pictures."""

from __future__ import annotations

import ctypes
from importlib.resources import files

import numpy as np
import pytest

from render_on_host import HostTexture, compiled
from rendering import noise
from touchline.analysis.cuda_cuts import BLOCK, CUT, FILE, Batch, Colours, cuts_of, grid_of
from touchline.analysis.tiles import BatchFormat, Tile, reference
from touchline.cuda.sources import Source

SIZE = (300, 178)
TILES = (
    Tile(0, 0, 64, 48),  # plain, in a corner
    Tile(236, 130, 64, 48),  # plain, in the other one
    Tile(100, 50, 64, 48),  # plain, in the middle
    Tile(37, 21, 64, 48),  # odd begin
    Tile(-20, 150, 64, 48),  # partly outside
    Tile(10, 5, 200, 150),  # coarser: several fetches
    Tile(100, 60, 30, 100),  # stretched
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


def on_host(folder, panorama, tiles, batch, cuts=None):
    single = int(batch.number == "float32")
    run = compiled(
        files("touchline.analysis").joinpath(FILE).read_text(),
        "cut_tiles",
        ("Source", "Cut *", "Colours", "Batch"),
        [f"-DSINGLE={single}"],
        folder,
    )
    textures = HostTexture.over(panorama.y, 1), HostTexture.over(panorama.uv, 2)
    both = panorama.y, panorama.uv
    source = Source(
        *(t.handle for t in textures),
        *(plane.ctypes.data for plane in both),
        *(plane.strides[0] for plane in both),
        panorama.width,
        panorama.height,
    )
    cuts = cuts_of((panorama.width, panorama.height), tiles, batch) if cuts is None else cuts
    made = np.full(batch.shape(len(tiles)), np.nan, batch.number)
    target = Batch(made.ctypes.data, batch.width, batch.height)
    run(
        grid_of(len(tiles), batch),
        (*BLOCK, 1),
        source,
        ctypes.c_uint64(cuts.ctypes.data),
        Colours.of(batch),
        target,
    )
    return made


@pytest.mark.parametrize("number", ["float32", "float16"])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (50, 33)])
def test_a_batch_equals_its_definition(folder, number, width, height):
    """Colours within a level and a half of 255: hardware's filter weights have eight bits."""
    batch = BatchFormat(width, height, number, "bt601", mean=(0.4, 0.5, 0.3), std=(0.2, 1.0, 3.0))
    panorama = noise(*SIZE, 4)
    cuts = cuts_of(SIZE, TILES, batch)
    assert list(cuts["plain"]) == ([1, 1, 1, 0, 0, 0, 0] if width == 64 else [0] * 7)
    made, wanted = on_host(folder, panorama, TILES, batch), reference(panorama, TILES, batch)
    error = np.abs(made - wanted) * np.array(batch.std)[:, None, None] * 255
    assert np.mean(error <= 1) >= 0.999
    assert error.max() <= 2
    exact = error[cuts["plain"] == 1]
    assert not exact.size or exact.max() < (0.01 if number == "float32" else 0.5)


def test_colours_are_those_of_bt709(folder):
    batch = BatchFormat(16, 16)
    panorama = noise(64, 64)
    panorama.fill(63, 102, 240)
    made = on_host(folder, panorama, [Tile(0, 0, 16, 16), Tile(1, 1, 16, 16)], batch)
    assert np.abs(made - np.array((1, 0, 0))[None, :, None, None]).max() < 0.005


def test_the_structures_have_no_holes():
    assert CUT.itemsize == 32
    assert ctypes.sizeof(Source) == 48
    assert ctypes.sizeof(Colours) == 48
    assert ctypes.sizeof(Batch) == 16
