"""The stitched picture, pixel by pixel, against a float64 reference that shares no code with the kernels."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.errors import RigError
from touchline.geometry import (
    Camera,
    Distortion,
    Panorama,
    Rig,
    fit_panorama,
    rays_to_angles,
    rotation_from_angles,
)
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import FEATHER_DEG, Joint
from touchline.panorama.stitch import CpuStitcher, make_stitcher
from touchline.panorama.warp import plan_stitch, right_share
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, world_to_rig

LENS = Distortion("brown", (-0.12, 0.01, 0.001, -0.001))


def two_cameras(width: int = 320, height: int = 180, fov: float = 95.0, lens: Distortion = LENS) -> Rig:
    return Rig(
        (
            Camera.from_fov(width, height, fov, lens, yaw_deg=-38, pitch_deg=-9, roll_deg=1.5),
            Camera.from_fov(width + 16, height + 8, fov, lens, yaw_deg=37, pitch_deg=-8, roll_deg=-1),
        )
    )


def texture(width: int, height: int, seed: int, pad: int = 0) -> Nv12:
    """Smooth noise that uses the whole range of levels; rows padded by ``pad`` bytes."""
    rng = np.random.default_rng(seed)
    picture = Nv12.over(
        np.zeros((width + pad) * height * 3 // 2, np.uint8),
        width,
        height,
        (width + pad, width + pad),
        (0, (width + pad) * height),
    )
    for plane, channels in ((picture.y, 1), (picture.uv, 2)):
        rows, columns = plane.shape[:2]
        y, x = np.mgrid[0:rows, 0:columns]
        for channel in range(channels):
            level = np.zeros((rows, columns))
            for _ in range(6):
                fx, fy = rng.uniform(-0.4, 0.4, 2)
                phase = rng.uniform(0, 6)
                level += np.sin(fx * x + fy * y + phase)
            level = np.clip(128 + 40 * level, 0, 255)
            (plane if channels == 1 else plane[..., channel])[...] = np.rint(level)
    return picture


def bilinear(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Exact bilinear values of a plane at float positions, the edge repeated outside."""
    height, width = plane.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = x - left, y - top
    value = plane.astype(np.float64)
    upper = value[top, left] * (1 - fx) + value[top, left + 1] * fx
    lower = value[top + 1, left] * (1 - fx) + value[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def reference(rig: Rig, panorama: Panorama, left: Nv12, right: Nv12, shares: np.ndarray) -> list[np.ndarray]:
    """Y, U and V of the panorama in float64; ``shares``: the right picture's share at the block corners."""
    planes = []
    for which in range(3):
        step, shift = (1, 0.0) if which == 0 else (2, 0.5)
        x = np.arange(0, panorama.width, step) + shift
        y = np.arange(0, panorama.height, step)[:, None] + shift
        rays = panorama.rays(x, y)
        values = []
        for camera, picture in ((rig.left, left), (rig.right, right)):
            places, _ = camera.project(rays)
            plane = picture.y if which == 0 else picture.uv[..., which - 1]
            places = places if which == 0 else (places - 0.5) / 2
            values.append(bilinear(plane, places[..., 0], places[..., 1]))
        share = bilinear(shares, *np.broadcast_arrays((x - shift) / 16, (y - shift) / 16))
        planes.append(values[0] * (1 - share) + values[1] * share)
    return planes


def check(out: Nv12, expected: list[np.ndarray]) -> None:
    for name, plane, wanted in zip("YUV", (out.y, out.uv[..., 0], out.uv[..., 1]), expected, strict=True):
        error = np.abs(plane.astype(np.float64) - wanted)
        assert np.mean(error <= 1.0) >= 0.999, (
            f"{name}: {np.mean(error > 1.0):.4%} are off by more than a level"
        )
        assert error.max() <= 2, f"{name}: {error.max():.2f} levels at {np.argwhere(error == error.max())[0]}"


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


@pytest.mark.parametrize(
    ("projection", "size", "pad", "feather"),
    [
        ("equirectangular", (560, 160), 0, 3.0),
        ("equirectangular", (558, 154), 10, 60.0),
        ("cylindrical", (470, 130), 22, 0.0),
        ("pitch", (520, 150), 4, 3.0),
    ],
)
def test_panorama_equals_the_reference(workers, projection, size, pad, feather):
    rig = two_cameras()
    panorama = fit_panorama(rig, projection, size)
    left = texture(rig.left.width, rig.left.height, 1, pad)
    right = texture(rig.right.width, rig.right.height, 2, pad * 2)
    out = texture(*size, 3, pad)
    CpuStitcher(rig, panorama, workers, Joint(feather), gain=False).stitch(left, right, out, 0.0)
    shares = plan_stitch(rig, panorama, feather).shares
    assert shares.min() == 0
    assert shares.max() == 1
    check(out, reference(rig, panorama, left, right, shares))


def test_a_panorama_smaller_than_a_block_and_pictures_of_the_smallest_size(workers):
    """Every fetch is clamped here, and no block is whole."""
    camera = Camera.from_fov(4, 4, 5)
    rig = Rig((camera, camera))
    panorama = Panorama("equirectangular", 6, 10, -0.025, 0.025, -0.035, 0.035)
    picture = texture(4, 4, 9)
    out = texture(6, 10, 3, 2)
    CpuStitcher(rig, panorama, workers, gain=False).stitch(picture, picture, out, 0.0)
    check(out, reference(rig, panorama, picture, picture, np.full((2, 2), 0.5)))


def test_nothing_is_written_beyond_the_picture(workers):
    """Padding, and memory behind the last row, belong to others."""
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(558, 154))
    stride, guard = 600, 4096
    memory = np.full(stride * 154 * 3 // 2 + guard, 77, np.uint8)
    out = Nv12.over(memory, 558, 154, (stride, stride), (0, stride * 154))
    left, right = (texture(c.width, c.height, 5) for c in rig.cameras)
    CpuStitcher(rig, panorama, workers, gain=False).stitch(left, right, out, 0.0)
    rows = memory[: stride * 154 * 3 // 2].reshape(-1, stride)
    assert (rows[:, 558:] == 77).all()
    assert (memory[-guard:] == 77).all()
    assert not (rows[:, :558] == 77).all(axis=1).any(), "a row was not written at all"


def test_positions_stay_close_to_the_cameras_own():
    """The polynomials of 16x16 blocks against the exact projection, with strong lenses at low resolution."""
    for lens in (LENS, Distortion("fisheye", (-0.01, 0.002))):
        rig = two_cameras(480, 270, 100.0, lens)
        panorama = fit_panorama(rig)
        plan = plan_stitch(rig, panorama, 3.0)
        x, y = np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]
        for camera, blocks in ((rig.left, plan.left), (rig.right, plan.right)):
            places, seen = camera.project(panorama.rays(x, y))
            error = np.linalg.norm(blocks.positions(x, y) - places, axis=-1)[seen]
            assert error.max() < 0.05


def test_shares_follow_what_the_cameras_see():
    rig = two_cameras(640, 360)
    panorama = fit_panorama(rig)
    rays = panorama.rays(np.arange(0, panorama.width, 4)[None, :], np.arange(0, panorama.height, 4)[:, None])
    share = right_share(rig, rays, FEATHER_DEG)
    left, right = (camera.project(rays)[1] for camera in rig.cameras)
    assert (share[left & ~right] == 0).all()
    assert (share[right & ~left] == 1).all()
    assert (np.diff(share, axis=1) >= -1e-9).all(), "the seam must be crossed once"
    mixed = np.mean((share > 0) & (share < 1), axis=1) * np.degrees(panorama.yaw_max - panorama.yaw_min)
    assert np.median(mixed) == pytest.approx(FEATHER_DEG, rel=0.35)


@pytest.mark.parametrize("joint", [Joint(), Joint(levels=3, adaptive=True)])
def test_the_same_frames_give_the_same_panoramas_whoever_works(joint):
    rig = two_cameras()
    panorama = fit_panorama(rig)
    frames = [
        [texture(c.width, c.height, 10 * number + i) for i, c in enumerate(rig.cameras)]
        for number in (1, 2, 3)
    ]
    results = []
    for threads in (1, 2, 5):
        with Workers(threads) as some:
            stitcher = make_stitcher(rig, panorama, some, joint)
            made = []
            for number, (left, right) in enumerate(frames):
                out = Nv12.empty(panorama.width, panorama.height)
                stitcher.stitch(left, right, out, number / 25)
                made.append((out.y.copy(), out.uv.copy()))
            results.append(made)
    for other in results[1:]:
        for (y, uv), (other_y, other_uv) in zip(results[0], other, strict=True):
            assert np.array_equal(y, other_y)
            assert np.array_equal(uv, other_uv)


def test_wrong_pictures_are_refused(workers):
    rig = two_cameras()
    panorama = fit_panorama(rig)
    stitcher = CpuStitcher(rig, panorama, workers)
    left, right = (texture(c.width, c.height, 1) for c in rig.cameras)
    out = Nv12.empty(panorama.width, panorama.height)
    with pytest.raises(RigError, match="other cameras"):
        stitcher.stitch(right, left, out, 0.0)
    with pytest.raises(ValueError, match="the panorama is"):
        stitcher.stitch(left, right, left, 0.0)
    out.y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        stitcher.stitch(left, right, out, 0.0)


def test_read_only_sources_will_do(workers):
    """Frames mapped for reading are read-only arrays."""
    rig = two_cameras()
    panorama = fit_panorama(rig)
    left, right = (texture(c.width, c.height, 1) for c in rig.cameras)
    for plane in (*left, *right):
        plane.flags.writeable = False
    CpuStitcher(rig, panorama, workers).stitch(left, right, Nv12.empty(panorama.width, panorama.height), 0.0)


def fitted_psnr(made: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB after the best global gain and offset."""
    one, two = made.astype(np.float64).ravel(), truth.astype(np.float64).ravel()
    gain, offset = np.polyfit(one, two, 1)
    return float(10 * np.log10(255**2 / np.mean((gain * one + offset - two) ** 2)))


@pytest.mark.parametrize("lens", ["brown", pytest.param("fisheye", marks=pytest.mark.slow)])
def test_synthetic_match_with_its_true_rig(workers, lens):
    match = SyntheticMatch(5, (1280, 720), lens=lens)
    panorama = fit_panorama(match.rig)
    left, right = Nv12.empty(1280, 720), Nv12.empty(1280, 720)
    match.draw(12, left, right)
    truth = match.panorama(12, panorama)
    out = Nv12.empty(panorama.width, panorama.height)
    make_stitcher(match.rig, panorama, workers).stitch(left, right, out, 0.0)
    assert fitted_psnr(out.y, truth.y) >= 33
    assert fitted_psnr(out.uv[..., 0], truth.uv[..., 0]) >= 36
    assert fitted_psnr(out.uv[..., 1], truth.uv[..., 1]) >= 36


def test_another_plan_is_used_whole_from_the_next_pair_on(workers):
    """Of cameras that have turned: the same picture as from a stitcher that was made for them."""
    rig = two_cameras()
    panorama = fit_panorama(rig)
    turned = Rig(
        (rig.left, rig.right.rotated(rotation_from_angles(0.01, -0.006, 0.004) @ rig.right.rotation))
    )
    left, right = (texture(c.width, c.height, 4 + i) for i, c in enumerate(rig.cameras))
    stitcher = CpuStitcher(rig, panorama, workers, gain=False)
    made = [Nv12.empty(panorama.width, panorama.height) for _ in range(3)]
    stitcher.stitch(left, right, made[0], 0.0)
    planned = stitcher.plan(turned)
    stitcher.stitch(left, right, made[1], 0.1)
    assert np.array_equal(made[0].y, made[1].y), "a plan that is made changes nothing yet"
    stitcher.use(planned)
    stitcher.stitch(left, right, made[1], 0.2)
    CpuStitcher(turned, panorama, workers, gain=False).stitch(left, right, made[2], 0.0)
    assert np.array_equal(made[1].y, made[2].y)
    assert np.array_equal(made[1].uv, made[2].uv)
    assert not np.array_equal(made[0].y, made[1].y)
    assert stitcher.rig == turned


def test_stitched_touchlines_are_straight_and_level_in_the_pitch_projection(workers):
    """The white of each, column by column, in parts from corner to corner: the near one to a tenth of a pixel.

    The far one is a seventh of a pixel wide, and its white drowns in the grass: to half a pixel.
    """
    match = SyntheticMatch(5, (1280, 720), noise=False)
    panorama = fit_panorama(match.rig, "pitch")
    left, right = Nv12.empty(1280, 720), Nv12.empty(1280, 720)
    match.draw(12, left, right)
    out = Nv12.empty(panorama.width, panorama.height)
    make_stitcher(match.rig, panorama, workers).stitch(left, right, out, 0.0)
    for side, reach, ground, faint, exact in ((-1, 5, (6, 9), 20, 0.1), (1, 2, (3, 6), 5, 0.5)):
        ends = world_to_rig([(x * HALF_LENGTH, side * HALF_WIDTH, 0.0) for x in (-0.98, 0.98)])
        (first, last), (row, same) = panorama.angles_to_pixels(*rays_to_angles(ends))
        assert row == pytest.approx(same, abs=1e-9)
        rows = np.arange(round(row) - reach, round(row) + reach + 1)
        grass = np.median(out.y[round(row) + ground[0] : round(row) + ground[1]].astype(float), axis=0)
        white = np.clip(out.y[rows] - grass - 4, 0, None)
        weight = white.sum(axis=0)
        columns = np.arange(int(first) + 1, int(last))
        # The half-way line meets it in the middle.
        columns = columns[(weight[columns] > faint) & (np.abs(columns - (first + last) / 2) > 25)]
        centres = (white * rows[:, None]).sum(axis=0)[columns] / weight[columns]
        parts = np.array([np.median(part) for part in np.array_split(centres, 10)])
        assert len(columns) > 0.5 * (last - first)
        assert np.abs(parts - np.median(parts)).max() < exact, side
        assert abs(np.median(parts) - row) < 2 * exact
