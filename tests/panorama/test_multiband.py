"""The blend against Burt and Adelson's two pyramids in float64; elsewhere the plain picture, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from test_stitch import bilinear, texture
from two_views import PANORAMA, RIG, Person, Sensor, pair

from touchline.geometry import Camera, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama import multiband
from touchline.panorama.joint import Joint
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import edge_distance, plan_stitch
from touchline.panorama.workers import Workers

TAPS = np.array([1, 4, 6, 4, 1]) / 16


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


@pytest.fixture(scope="module")
def textures():
    return [texture(c.width, c.height, 3 + n) for n, c in enumerate(RIG.cameras)]


def stitched(workers, pictures, joint: Joint, rig=RIG, panorama=PANORAMA) -> Nv12:
    out = Nv12.empty(panorama.width, panorama.height)
    CpuStitcher(rig, panorama, workers, joint, gain=False).stitch(*pictures, out, 0.0)
    return out


def alone(camera: Camera, picture: Nv12) -> np.ndarray:
    """The panorama of one camera, its edge repeated, luma in float64 from the exact projection."""
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    places, _ = camera.project(PANORAMA.rays(x, y))
    return bilinear(picture.y, places[..., 0], places[..., 1])


def seam_shares() -> np.ndarray:
    """The right picture's share at every sample, over 32 samples around the fixed seam."""
    degrees = 32 * np.degrees(PANORAMA.yaw_max - PANORAMA.yaw_min) / PANORAMA.width
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    shares = plan_stitch(RIG, PANORAMA, degrees).shares
    return bilinear(shares, *np.broadcast_arrays(x / 16, y / 16))


def down(plane: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        plane = ndimage.convolve1d(plane, TAPS, axis=axis, mode="mirror")
    return plane[::2, ::2]


def up(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    made = np.zeros(shape)
    made[::2, ::2] = plane
    for axis in (0, 1):
        made = ndimage.convolve1d(made, 2 * TAPS, axis=axis, mode="mirror")
    return made


def textbook(left: np.ndarray, right: np.ndarray, mask: np.ndarray, levels: int) -> np.ndarray:
    """Two Laplacian pyramids mixed level by level, and collapsed."""
    gaussians = [[plane] for plane in (left, right, mask)]
    for _ in range(levels - 1):
        for pyramid in gaussians:
            pyramid.append(down(pyramid[-1]))
    one, two, masks = gaussians
    made = one[-1] * (1 - masks[-1]) + two[-1] * masks[-1]
    for k in range(levels - 2, -1, -1):
        shape = one[k].shape
        bands = [p[k] - up(p[k + 1], shape) for p in (one, two)]
        made = up(made, shape) + bands[0] * (1 - masks[k]) + bands[1] * masks[k]
    return made


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_luma_is_the_textbooks(workers, textures, levels):
    out = stitched(workers, textures, Joint(levels=levels))
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    mask = np.clip((seam_shares() - 0.5) * 32 / 2 + 0.5, 0, 1)
    pictures = [alone(camera, picture) for camera, picture in zip(RIG.cameras, textures, strict=True)]
    wanted = np.clip(textbook(*pictures, mask, levels), 0, 255)
    rays = PANORAMA.rays(x, y)
    both = np.minimum(*(edge_distance(c, rays) for c in RIG.cameras)) > 24
    both[:40] = both[-40:] = False  # the libraries mirror the last rows differently
    error = np.abs(out.y - wanted)[both]
    assert both.sum() > 20_000
    assert np.mean(error <= 1.5) >= 0.999
    assert error.max() <= 3
    plain = stitched(workers, textures, Joint())
    assert np.abs(plain.y - wanted)[both].max() > 20, "the feather would have passed too"


@pytest.mark.parametrize("adaptive", [False, True])
def test_outside_the_overlap_it_is_the_plain_picture_to_the_bit(workers, textures, adaptive):
    plain, blended = (
        stitched(workers, textures, Joint(levels=levels, adaptive=adaptive)) for levels in (0, 5)
    )
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    rays = PANORAMA.rays(x, y)
    outside = np.minimum(*(edge_distance(c, rays) for c in RIG.cameras)) < 5
    assert outside.mean() > 0.5
    assert (plain.y == blended.y)[outside].all()
    assert (plain.uv == blended.uv)[outside[::2, ::2] & outside[1::2, 1::2]].all()
    assert (plain.y != blended.y).any()


def test_within_the_overlap_but_far_from_the_seam_each_picture_is_as_it_was(workers, textures):
    """To the bit: where the masks are 0 or 1 on every level, nothing of the other picture comes in."""
    out = stitched(workers, textures, Joint(levels=3))
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    share = seam_shares()
    seam = np.abs(share - 0.5).argmin(axis=1)[:, None]
    reach = multiband.reach_of(3) + 2
    pictures = [alone(camera, picture) for camera, picture in zip(RIG.cameras, textures, strict=True)]
    rays = PANORAMA.rays(x, y)
    both = np.minimum(*(edge_distance(c, rays) for c in RIG.cameras)) > 2
    for side, where in ((0, x < seam - reach), (1, x > seam + reach)):
        kept = both & where
        assert kept.sum() > 5_000
        assert np.abs(out.y - pictures[side])[kept].max() <= 1.01


def test_pictures_that_are_the_same_stay_the_same(workers):
    frames = pair([Person(0.0), Person(4.0)])
    plain, blended = (stitched(workers, frames, Joint(levels=levels)) for levels in (0, 5))
    assert (
        np.abs(plain.y.astype(int) - blended.y).max() <= 16
    )  # sharper: two roundings of an edge, not their mean
    assert np.mean(np.abs(plain.y.astype(int) - blended.y) <= 1) > 0.99
    assert np.mean(np.abs(plain.uv.astype(int) - blended.uv) <= 1) > 0.995


def test_more_bands_make_a_step_in_brightness_gentler(workers):
    frames = pair((), Sensor(), Sensor(1.4))
    flat = pair()
    slopes = []
    for levels in (2, 4, 6):
        apart = stitched(workers, frames, Joint(levels=levels)).y.astype(float)
        apart -= stitched(workers, flat, Joint(levels=levels)).y
        profile = ndimage.uniform_filter1d(apart.mean(0), 5)
        slopes.append(np.abs(np.diff(profile)).max())
    assert slopes[0] > 2 * slopes[1] > 3 * slopes[2]


def test_the_strips_leave_no_trace(workers, textures, monkeypatch):
    made = []
    for rows in (64, 128, 4096):
        monkeypatch.setattr(multiband, "_STRIP", rows)
        made.append(stitched(workers, textures, Joint(levels=4)))
    for other in made[1:]:
        assert np.array_equal(made[0].y, other.y)
        assert np.array_equal(made[0].uv, other.uv)


def test_nothing_is_written_beyond_the_picture(workers, textures):
    width, height = PANORAMA.width, PANORAMA.height
    stride = width + 40
    memory = np.full(stride * height * 3 // 2 + 512, 77, np.uint8)
    out = Nv12.over(memory, width, height, (stride, stride), (0, stride * height))
    CpuStitcher(RIG, PANORAMA, workers, Joint(levels=5), gain=False).stitch(*textures, out, 0.0)
    rows = memory[: stride * height * 3 // 2].reshape(-1, stride)
    assert (rows[:, width:] == 77).all()
    assert (memory[-512:] == 77).all()


def test_cameras_with_nothing_in_common_are_joined_plainly(workers):
    rig = Rig((Camera.from_fov(64, 64, 40, yaw_deg=-30), Camera.from_fov(64, 64, 40, yaw_deg=30)))
    pictures = [texture(64, 64, seed) for seed in (1, 2)]
    plain, blended = (stitched(workers, pictures, Joint(levels=levels), rig) for levels in (0, 4))
    assert np.array_equal(plain.y, blended.y)
    assert np.array_equal(plain.uv, blended.uv)
