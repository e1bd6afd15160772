"""The difference between the cameras: found, shared, followed slowly, undisturbed by what moves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.geometry import Camera, Rig, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference, Gain, difference_of, overlap_points
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers

RIG = Rig(
    (
        Camera.from_fov(320, 180, 80, yaw_deg=-30, pitch_deg=-5),
        Camera.from_fov(320, 180, 80, yaw_deg=30, pitch_deg=-5),
    )
)
PANORAMA = fit_panorama(RIG)


def scene(camera: Camera, gain: float = 1.0, tint: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> Nv12:
    """A smooth world seen by a camera with its own exposure, a colour cast, and a little noise."""
    x, y = np.arange(camera.width), np.arange(camera.height)[:, None]
    rays = camera.unproject(np.stack(np.broadcast_arrays(x, y), axis=-1).astype(float))
    light = 70 + 30 * np.sin(9 * rays[..., 0] + 2) * np.cos(7 * rays[..., 1])
    u = -14 + 10 * np.sin(5 * rays[..., 0])
    v = 8 + 10 * np.cos(6 * rays[..., 1])
    rng = np.random.default_rng(seed)
    picture = Nv12.empty(camera.width, camera.height)
    light = light * gain
    picture.y[:] = np.rint(np.clip(16 + light + rng.normal(0, 1.5, light.shape), 0, 255))
    for plane, (colour, cast) in enumerate(((u, tint[0]), (v, tint[1]))):
        level = 128 + colour * gain + cast * light
        picture.uv[..., plane] = np.rint(level.reshape(90, 2, 160, 2).mean((1, 3)))
    return picture


def test_a_known_difference_is_found_at_once():
    left = scene(RIG.left, 1 / 1.1, (-0.02, 0.015), seed=1)
    right = scene(RIG.right, 1.1, (0.02, -0.015), seed=2)
    found = Gain(RIG, PANORAMA).follow(left, right, 0.0)
    assert found.log_gain == pytest.approx(2 * math.log(1.1), abs=0.005)
    assert found.tint_u == pytest.approx(0.04, abs=0.004)
    assert found.tint_v == pytest.approx(-0.03, abs=0.004)


def test_the_correction_makes_the_pictures_meet():
    """With it, the panorama of two unequal cameras equals that of two equal ones, but for rounding and noise."""
    outs = []
    with Workers(2) as workers:
        for gain, tint in ((1.0, 0.0), (1.12, 0.02)):
            left = scene(RIG.left, 1 / gain, (-tint, tint), seed=1)
            right = scene(RIG.right, gain, (tint, -tint), seed=2)
            out = Nv12.empty(PANORAMA.width, PANORAMA.height)
            stitcher = CpuStitcher(RIG, PANORAMA, workers, correction=Gain(RIG, PANORAMA))
            stitcher.stitch(left, right, out, 0.0)
            outs.append(out)
    for one, two in zip(*outs, strict=True):
        assert np.abs(one.astype(float) - two).mean() < 1.0


def test_a_small_change_is_followed_slowly_in_media_time():
    gain = Gain(RIG, PANORAMA, time_constant_s=2.0)
    same, brighter = (scene(RIG.left), scene(RIG.right)), (scene(RIG.left), scene(RIG.right, 1.012))
    start = gain.follow(*same, 10.0).log_gain
    values = [gain.follow(*brighter, 10.0 + i / 25).log_gain for i in range(1, 101)]
    expected = start + (math.log(1.012) - start) * (1 - math.exp(-2.0))
    assert values[-1] == pytest.approx(expected, abs=0.001)
    assert np.all(np.diff(values) > 0)
    assert values[0] - start < 0.001
    assert gain.follow(*brighter, 5.0).log_gain == pytest.approx(values[-1]), "time ran backwards"


def test_a_step_is_followed_within_a_second():
    gain = Gain(RIG, PANORAMA)
    same, brighter = (scene(RIG.left), scene(RIG.right)), (scene(RIG.left), scene(RIG.right, 1.2))
    gain.follow(*same, 10.0)
    values = [gain.follow(*brighter, 10.0 + i / 25).log_gain for i in range(1, 27)]
    assert values[-1] == pytest.approx(math.log(1.2), abs=0.006)
    assert np.all(np.diff(values) >= 0)


def test_what_moves_does_not_count():
    """A tenth of the points show something else in one picture: a player who was not there."""
    rng = np.random.default_rng(0)
    left = np.column_stack([rng.uniform(260, 700, 2000), rng.uniform(200, 300, (2000, 2))])
    right = left.copy()
    right[:, 0] = (left[:, 0] - 64) * 1.1 + 64
    right[:, 1:] = (left[:, 1:] - 256) * 1.1 + 256
    right[:200] = [900, 100, 400]
    found = difference_of(np.rint(np.hstack([left, right])).astype(np.int32))
    assert found is not None
    assert found.log_gain == pytest.approx(math.log(1.1), abs=0.003)
    assert abs(found.tint_u) < 0.003


def test_darkness_says_nothing():
    gain = Gain(RIG, PANORAMA)
    black = Nv12.empty(320, 180)
    black.fill(16, 128, 128)
    assert gain.follow(black, black, 0.0) == Difference()
    found = gain.follow(scene(RIG.left), scene(RIG.right, 1.2), 0.1)
    assert found.log_gain == pytest.approx(math.log(1.2), abs=0.005), (
        "the first frame with light sets it at once"
    )
    assert gain.follow(black, black, 0.2) == found


def test_points_show_the_same():
    left, right = overlap_points(RIG, PANORAMA, 500)
    assert 300 < len(left) == len(right) <= 500
    rays = [camera.unproject(2 * p + 0.5) for camera, p in ((RIG.left, left), (RIG.right, right))]
    assert np.linalg.norm(rays[0] - rays[1], axis=1).max() < 0.012, "within a chroma sample"


def test_cameras_without_overlap_are_left_alone():
    rig = Rig((Camera.from_fov(64, 64, 40, yaw_deg=-30), Camera.from_fov(64, 64, 40, yaw_deg=30)))
    gain = Gain(rig, PANORAMA)
    assert gain.follow(Nv12.empty(64, 64), Nv12.empty(64, 64), 0.0) == Difference()
