"""The GPU's stitching kernel against a float64 reference, on white noise: its arithmetic runs here on the processor."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from cuda_on_host import HostStitch
from nv12_reference import Tone, bilinear, check, noise, positions, stitched

from touchline.errors import CudaError
from touchline.geometry import Camera, Distortion, Panorama, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.cuda_tables import TILES, Planes, Source, Tables, Target, check_pieces, stitch_tables
from touchline.panorama.gain import Difference, Gain
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import plan_stitch
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch

UNEQUAL = Difference(0.2, 0.1, -0.08)


def two_cameras(width: int = 320, height: int = 180, roll: float = 0.0) -> Rig:
    lens = Distortion("brown", (-0.12, 0.01, 0.001, -0.001))
    return Rig(
        (
            Camera.from_fov(width, height, 95, lens, yaw_deg=-38, pitch_deg=-9, roll_deg=roll + 1.5),
            Camera.from_fov(width + 16, height + 8, 95, lens, yaw_deg=37, pitch_deg=-8, roll_deg=roll - 1),
        )
    )


def tones_of(difference: Difference) -> tuple[Tone, Tone]:
    one, two = difference.tones() / 4096
    return Tone(*one), Tone(*two)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stitch")


@pytest.mark.parametrize(
    ("size", "pad", "feather", "roll", "difference"),
    [
        ((560, 160), 0, 3.0, 0.0, Difference()),
        ((558, 154), 6, 60.0, 0.0, UNEQUAL),  # cut blocks, mixed almost everywhere, rows on whole words
        ((558, 154), 8, 3.0, 0.0, UNEQUAL),  # and not
        ((470, 130), 22, 0.0, 180.0, Difference()),  # cameras that hang upside down
    ],
)
def test_panorama_of_noise_equals_the_reference(folder, size, pad, feather, roll, difference):
    rig = two_cameras(roll=roll)
    panorama = fit_panorama(rig, size=size)
    plan = plan_stitch(rig, panorama, feather)
    left, right = (noise(c.width, c.height, 3 + n, 2 * n) for n, c in enumerate(rig.cameras))
    out = noise(*size, 9, pad)
    HostStitch(folder)(stitch_tables(plan), left, right, out, difference.tones())
    check(out, stitched(plan, panorama, (left, right), tones_of(difference)))


def test_a_panorama_of_the_pitch_projection_equals_the_reference(folder):
    rig = two_cameras()
    panorama = fit_panorama(rig, "pitch", (520, 150))
    plan = plan_stitch(rig, panorama, 3.0)
    left, right = (noise(c.width, c.height, 3 + n) for n, c in enumerate(rig.cameras))
    out = noise(520, 150, 9)
    HostStitch(folder)(stitch_tables(plan), left, right, out, Difference().tones())
    check(out, stitched(plan, panorama, (left, right)))


def test_a_panorama_smaller_than_a_block_and_pictures_of_the_smallest_size(folder):
    camera = Camera.from_fov(4, 4, 5)
    rig = Rig((camera, camera))
    panorama = Panorama("equirectangular", 6, 10, -0.025, 0.025, -0.035, 0.035)
    plan = plan_stitch(rig, panorama, 3.0)
    left, right, out = noise(4, 4, 1), noise(4, 4, 2), noise(6, 10, 3)
    HostStitch(folder)(stitch_tables(plan), left, right, out, Difference().tones())
    check(out, stitched(plan, panorama, (left, right)))


@pytest.mark.parametrize("stride", [560, 562, 600])
def test_nothing_is_written_beyond_the_picture(folder, stride):
    """Padding, and memory behind the last row, belong to others."""
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(558, 154))
    guard = 4096
    memory = np.full(stride * 154 * 3 // 2 + guard, 77, np.uint8)
    out = Nv12.over(memory, 558, 154, (stride, stride), (0, stride * 154))
    left, right = (noise(c.width, c.height, 5) for c in rig.cameras)
    HostStitch(folder)(stitch_tables(plan_stitch(rig, panorama, 3.0)), left, right, out, Difference().tones())
    rows = memory[: stride * 154 * 3 // 2].reshape(-1, stride)
    assert (rows[:, 558:] == 77).all()
    assert (memory[-guard:] == 77).all()
    assert not (rows[:, :558] == 77).all(axis=1).any(), "a row was not written at all"


def test_the_reference_can_tell_a_wrong_picture():
    """A pixel's shift, a swap of the colour differences and a forgotten gain are all found."""
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(560, 160))
    plan = plan_stitch(rig, panorama, 3.0)
    pictures = [noise(c.width, c.height, 3) for c in rig.cameras]
    exact = stitched(plan, panorama, pictures)
    right = Nv12(
        np.rint(exact.y).astype(np.uint8), np.rint(np.stack([exact.u, exact.v], axis=-1)).astype(np.uint8)
    )
    check(right, exact)
    for wrong in (
        Nv12(np.roll(right.y, 1, axis=1), right.uv),
        Nv12(right.y, right.uv[..., ::-1]),
        Nv12(np.rint(stitched(plan, panorama, pictures, (Tone(1.02), Tone())).y).astype(np.uint8), right.uv),
    ):
        with pytest.raises(AssertionError):
            check(wrong, exact)


def test_the_picture_is_the_processors(folder):
    """On what cameras see, with a gain: within a level of the other way but for one sample in a thousand."""
    match = SyntheticMatch(5, (640, 360))
    panorama = fit_panorama(match.rig)
    pictures = Nv12.empty(640, 360), Nv12.empty(640, 360)
    match.draw(12, *pictures)
    pictures[0].y[:] = np.clip(pictures[0].y * 0.9 + 1.6, 0, 255)
    size = panorama.width, panorama.height
    with Workers(2) as workers:
        gain = Gain(match.rig, panorama)
        cpu = CpuStitcher(match.rig, panorama, workers, correction=gain)
        theirs, ours = Nv12.empty(*size), Nv12.empty(*size)
        cpu.stitch(*pictures, theirs, 0.0)
    assert abs(gain.difference.log_gain) > 0.05
    tables = stitch_tables(plan_stitch(match.rig, panorama, 3.0))
    HostStitch(folder)(tables, *pictures, ours, gain.difference.tones())
    for one, two in zip(ours, theirs, strict=True):
        apart = np.abs(one.astype(int) - two)
        assert np.mean(apart <= 1) >= 0.999
        assert apart.max() <= 2


def test_tables_say_what_the_plan_says():
    rig = two_cameras(1280, 720)
    panorama = fit_panorama(rig)
    plan = plan_stitch(rig, panorama, 3.0)
    made = stitch_tables(plan)
    numbered = made.kinds[made.kinds >= 0]
    assert set(np.unique(made.kinds[made.kinds < 0])) == {-1, -2}
    assert np.array_equal(np.sort(numbered), np.arange(len(made.second)))
    x, y = np.arange(0, panorama.width, 7)[None, :], np.arange(0, panorama.height, 5)[:, None]
    kinds = made.kinds[y // 16, x // 16]
    first = made.first[y // 16, x // 16]
    second = made.second[np.maximum(kinds, 0)]
    i, r = (offset.astype(np.float32) for offset in np.broadcast_arrays(x % 16, y % 16))
    terms = np.stack([np.ones_like(i), i, r, i * r, i * i, r * r], axis=-1)
    for table, blocks, where in (
        (first / 65536, plan.left, kinds == -1),
        (first / 65536, plan.left, kinds >= 0),
        (first / 65536, plan.right, kinds == -2),
        (second, plan.right, kinds >= 0),
    ):
        places = np.stack([(table[..., :6] * terms).sum(-1), (table[..., 6:12] * terms).sum(-1)], axis=-1)
        # What float32 has left at 1280 is less than the tenth of a level that a thousandth of a sample can make.
        assert np.abs(places - blocks.positions(x, y))[where].max() < 1e-3
    share = (second[..., 12:] * np.stack([np.ones_like(i), i, r, i * r], axis=-1)).sum(-1)
    share = np.where(kinds == -1, 0, np.where(kinds == -2, 1, share))
    exact = bilinear(plan.shares, *np.broadcast_arrays(x / 16, y / 16))
    assert np.abs(share - exact).max() < 1 / 512


def test_a_block_alone_never_reaches_the_edge_of_its_picture():
    """It is read without clamping, up to the neighbour behind each sample, in luma and in chroma."""
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(558, 154))
    made = stitch_tables(plan_stitch(rig, panorama, 3.0))
    for kind, camera in ((-1, rig.left), (-2, rig.right)):
        rows, columns = np.nonzero(made.kinds == kind)
        x = columns[:, None, None] * 16 + np.arange(0, 16, 0.5)[None, None, :]
        y = rows[:, None, None] * 16 + np.arange(0, 16, 0.5)[None, :, None]
        across, down = positions(made.first, x, y)
        for place, size in ((across, camera.width), (down, camera.height)):
            assert place.min() >= 0.5
            assert place.max() <= size - 3


@pytest.mark.parametrize("roll", [0.0, 7.0, 180.0])
@pytest.mark.parametrize(
    ("width", "size", "least", "most"),
    [
        (320, (558, 154), 0.05, 0.16),
        (1280, None, 0.02, 0.05),
        (640, (300, 80), 0.95, 1.0),  # two samples of the picture for one: nearly no tile has room for them
    ],
)
def test_tiles_cover_the_panorama_once_and_bring_what_their_samples_read(width, size, least, most, roll):
    rig = two_cameras(width, width * 9 // 16, roll)
    panorama = fit_panorama(rig, size=size)
    made = stitch_tables(plan_stitch(rig, panorama, 3.0))
    covered = np.zeros((-(-panorama.height // 32) * 32, -(-panorama.width // 16) * 16), int)
    for tile in made.tiles:
        x0, y0, end = (int(tile[name]) for name in ("x", "y", "end"))
        if tile["kind"] == 0:
            covered[y0 : y0 + 32, x0 : x0 + 16] += 1
            continue
        assert 0 < end - x0 <= 64
        covered[y0 : y0 + 32, x0:end] += 1
        y, x = np.mgrid[y0 : min(y0 + 32, panorama.height), x0 : min(end, panorama.width)]
        assert (made.kinds[y // 16, x // 16] == tile["kind"]).all()
        luma = np.stack(positions(made.first, x, y))
        chroma = np.stack(positions(made.first, x[::2, ::2] + 0.5, y[::2, ::2] + 0.5)) / 2 - 0.25
        for at, each, box in ((luma, 1, tile["boxes"][0]), (chroma, 2, tile["boxes"][1])):
            piece, row, pieces, rows = (int(number) for number in box)
            assert pieces <= 8
            assert rows <= (64 if each == 1 else 34)
            # A position may be rounded up by half of the last of ten bits, and the sample behind it is read too.
            assert np.floor(at[0].min()) * each >= piece * 16
            assert (np.floor(at[0].max() + 2**-11) + 2) * each <= (piece + pieces) * 16
            assert np.floor(at[1].min()) >= row
            assert np.floor(at[1].max() + 2**-11) + 2 <= row + rows
    assert (covered == 1).all()
    mixed = made.tiles["kind"] == 0
    assert (np.diff(mixed.astype(int)) <= 0).all(), "those that take longest come first"
    assert least <= mixed.sum() * 16 * 32 / covered.size <= most


@pytest.mark.parametrize(
    "planes", [(24, 512, 64, 64), (16, 520, 64, 64), (16, 512, 72, 64), (16, 512, 64, 66)]
)
def test_rows_that_can_not_be_brought_in_pieces_are_refused(planes):
    check_pieces(Planes(16, 512, 64, 80))
    with pytest.raises(CudaError, match="pieces of 16 bytes"):
        check_pieces(Planes(*planes))


def test_structures_are_laid_out_as_c_does():
    assert [ctypes.sizeof(kind) for kind in (Tables, Source, Target, Planes)] == [32, 80, 40, 24]
    assert TILES.itemsize == 32
    plain = Source.toned(Planes(1, 2, 4, 4), (4, 4), 3, Difference().tones()[0])
    assert (plain.gain, plain.black, plain.tint_u, plain.tint_v) == (1, 0, 0, 0)
    assert (plain.black_twice, plain.tint_u_twice, plain.grey_u_twice) == (0, 0, 0)
