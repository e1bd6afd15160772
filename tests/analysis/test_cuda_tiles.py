"""Tiles cut on a GPU against the float64 definition, on random pictures."""

from __future__ import annotations

import numpy as np
import pytest

from gpu import needs_gpu
from rendering import noise
from touchline.analysis.tiles import BatchFormat, Tile, cover, reference

pytestmark = needs_gpu

SIZE = (1900, 634)
TILES = (
    Tile(0, 0, 256, 192),  # plain, in a corner
    Tile(1644, 442, 256, 192),  # plain, in the other one
    Tile(100, 50, 256, 192),  # plain, in the middle
    Tile(37, 21, 256, 192),  # odd begin
    Tile(-20, 550, 256, 192),  # partly outside
    Tile(10, 5, 800, 600),  # coarser: several fetches
    Tile(100, 60, 130, 230),  # stretched
)


@pytest.fixture(scope="module")
def device():
    from touchline.cuda.device import Device

    with Device() as one:
        yield one


@pytest.fixture(scope="module")
def panorama(device):
    from rendering_gpu import DeviceFrame

    with device.stream() as stream, DeviceFrame(device, stream, noise(*SIZE)) as one:
        yield one


@pytest.mark.parametrize("colorimetry", ["bt709", "bt601"])
@pytest.mark.parametrize("number", ["float32", "float16"])
@pytest.mark.parametrize(("width", "height"), [(256, 192), (250, 191)])
def test_a_batch_equals_its_definition(device, panorama, colorimetry, number, width, height):
    """Colours within a level of 255 for 99.9 % of the numbers, 2 at most."""
    from touchline.analysis.cuda_tiles import CudaTiles
    from touchline.cuda.copies import download

    batch = BatchFormat(width, height, number, colorimetry, mean=(0.4, 0.5, 0.3), std=(0.2, 0.25, 0.3))
    with CudaTiles(device, SIZE, TILES, batch) as tiles:
        made = download(device, tiles.cut(panorama.picture), tiles.stream)
    wanted = reference(noise(*SIZE), TILES, batch)
    error = np.abs(made - wanted) * np.array(batch.std)[:, None, None] * 255
    assert made.dtype == np.dtype(number)
    assert np.mean(error <= 1) >= 0.999
    assert error.max() <= 2
    if width == 256:
        assert error[:3].max() < (0.01 if number == "float32" else 0.2), "plain tiles are exact"


def test_a_cover_of_the_panorama(device, panorama):
    """Every pixel of the panorama is in a tile, and is the same in all that show it."""
    from touchline.analysis.cuda_tiles import CudaTiles
    from touchline.cuda.copies import download

    places = cover(SIZE, (320, 320), 64)
    with CudaTiles(device, SIZE, places, BatchFormat(320, 320)) as tiles:
        made = download(device, tiles.cut(panorama.picture), tiles.stream)
    whole = np.full((3, SIZE[1], SIZE[0]), np.nan, np.float32)
    for tile, one in zip(places, made, strict=True):
        shown = whole[:, tile.y : tile.y + 320, tile.x : tile.x + 320]
        seen = ~np.isnan(shown)
        assert np.abs(shown[seen] - one[seen]).max(initial=0) < 1e-5
        shown[:] = one
    assert not np.isnan(whole).any()


def test_other_libraries_read_the_batch_where_it_is(device, panorama):
    from touchline.analysis.cuda_tiles import CudaTiles
    from touchline.cuda.copies import download

    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    batch = BatchFormat(256, 192, "float16")
    with CudaTiles(device, SIZE, TILES, batch) as tiles:
        made = tiles.queue(panorama.picture)
        tensor = torch.from_dlpack(made)
        assert tensor.data_ptr() == made.pointer
        assert tuple(tensor.shape) == batch.shape(len(TILES))
        assert tensor.dtype == torch.float16
        assert tensor.is_contiguous()
        host = download(device, made, tiles.stream)
        assert np.array_equal(tensor.cpu().numpy(), host)
        assert np.array_equal(torch.as_tensor(made, device="cuda").cpu().numpy(), host)
        del tensor


def test_misuse_is_refused(device, panorama):
    from touchline.analysis.cuda_tiles import CudaTiles

    with pytest.raises(ValueError, match="at least one"):
        CudaTiles(device, SIZE, [], BatchFormat(8, 8))
    with (
        CudaTiles(device, (64, 64), [Tile(0, 0, 8, 8)], BatchFormat(8, 8)) as tiles,
        pytest.raises(ValueError, match="64x64, not 1900x634"),
    ):
        tiles.cut(panorama.picture)
