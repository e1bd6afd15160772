"""Exposure, black level, lenses and white balance of two cameras: found, followed, and gone from the panorama."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from two_views import PANORAMA, RIG, Person, Sensor, pair

from touchline.geometry import Camera, Rig
from touchline.gst.nv12 import Nv12
from touchline.panorama.lighting import Lighting
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.tone import Light, corrected
from touchline.panorama.warp import depth_inside
from touchline.panorama.workers import Workers

FPS = 25
MID = 0.15


def seam_step(light: Light, left: Sensor, right: Sensor) -> float:
    """What is left of the difference, in levels of luma, on a wall of middle light in the middle of the overlap."""
    from two_views import transfer

    levels = [16 + 219 * float(transfer(np.array(MID * s.gain + s.offset))) for s in (left, right)]
    one, two = (float(corrected(level, *half)) for level, half in zip(levels, light.halves(), strict=True))
    return two - one


@pytest.mark.parametrize("gain", [0.7, 1.0, 1.35])
@pytest.mark.parametrize("offset", [0.0, 0.012])
def test_gain_offset_and_tint_are_found_at_once(gain, offset):
    left, right = Sensor(tint=(-0.02, 0.01), noise=1.5), Sensor(gain, offset, 0.0, (0.02, -0.01), 1.5)
    found = Lighting(RIG, PANORAMA).follow(*pair((), left, right), 0.0)
    assert found.log_ratio(0.3) == pytest.approx(math.log(gain + offset / 0.3), abs=0.02)
    assert found.offset * math.exp(found.log_gain / 2) == pytest.approx(offset, abs=0.004)
    assert found.tint_u == pytest.approx(0.04, abs=0.004)
    assert found.tint_v == pytest.approx(-0.02, abs=0.006), "an offset adds light without colour"
    assert abs(seam_step(found, left, right)) < 0.5


def test_the_panorama_of_unequal_cameras_has_no_step():
    """Left and right of the seam, and across it, it is that of two equal cameras, but for one curve over all of it."""
    equal, unequal = Sensor(noise=1.0), Sensor(1.3, 0.01, 0.0, (0.02, 0.02), 1.0)
    outs = []
    with Workers(2) as workers:
        for right in (equal, unequal):
            out = Nv12.empty(PANORAMA.width, PANORAMA.height)
            CpuStitcher(RIG, PANORAMA, workers).stitch(*pair((), equal, right), out, 0.0)
            outs.append(out)
    levels = np.arange(256)
    counts = np.bincount(outs[0].y.ravel(), minlength=256)
    curve = np.bincount(outs[0].y.ravel(), outs[1].y.ravel().astype(float), 256) / np.maximum(1, counts)
    off = outs[1].y - np.interp(outs[0].y, levels[counts > 0], curve[counts > 0])
    quarter = PANORAMA.width // 4
    assert abs(off[:, :quarter].mean() - off[:, -quarter:].mean()) < 1.0


def test_a_step_of_exposure_is_followed_within_a_second_and_nothing_flickers():
    plain, brighter = Sensor(noise=1.5), Sensor(1.2, noise=1.5)
    before = [pair((), plain, plain, seed) for seed in range(3)]
    after = [pair((), plain, brighter, seed) for seed in range(3)]
    lighting = Lighting(RIG, PANORAMA)
    seen = [lighting.follow(*before[i % 3], i / FPS) for i in range(50)]
    seen += [lighting.follow(*after[i % 3], i / FPS) for i in range(50, 125)]
    steps = np.array([seam_step(light, plain, brighter) for light in seen])
    assert steps[49] > 6, "or there was nothing to follow"
    assert abs(steps[50 + FPS]) < 1.0
    assert np.abs(steps[50 + FPS :]).max() < 1.0
    assert steps.min() > -0.5, "it went past"
    assert np.abs(np.diff(steps[:50])).max() < 0.1, "flicker while nothing changes"
    assert np.abs(np.diff(steps[80:])).max() < 0.1


def test_lenses_that_darken_their_edges_are_found_in_time():
    sensor = Sensor(falloff=0.35, noise=1.0)
    frames = [pair((), sensor, sensor._replace(gain=1.1), seed) for seed in range(3)]
    lighting = Lighting(RIG, PANORAMA)
    for i in range(40):
        found = lighting.follow(*frames[i % 3], float(i))
    assert found.falloff_left == pytest.approx(0.35, abs=0.06)
    assert found.falloff_right == pytest.approx(0.35, abs=0.06)
    assert found.log_gain == pytest.approx(math.log(1.1), abs=0.02)
    assert lighting.tones.shades.size


def test_the_overlap_of_two_dark_edged_pictures_is_even():
    """With feather over all of the overlap, luma follows the scene's, where without the lenses' share it sags."""
    sensor = Sensor(falloff=0.35)
    dark, flat = pair((), sensor, sensor), pair()
    lighting = Lighting(RIG, PANORAMA)
    for second in range(60):
        lighting.follow(*dark, float(second))
    made = []
    with Workers(2) as workers:
        for correction, frames in ((lighting, dark), (None, dark), (None, flat)):
            out = Nv12.empty(PANORAMA.width, PANORAMA.height)
            stitcher = CpuStitcher(RIG, PANORAMA, workers, gain=False, correction=correction)
            stitcher.stitch(*frames, out, 60.0)
            made.append(out.y.astype(float) - 16)
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    rays = PANORAMA.rays(x, y)
    both = np.minimum(*(depth_inside(c, rays) for c in RIG.cameras)) > 0
    corrected_apart, plain_apart = (np.std((m - made[2])[both]) for m in made[:2])
    assert corrected_apart < 0.5 * plain_apart


def test_lenses_without_falloff_are_left_alone():
    frames = [pair((), Sensor(noise=1.5), Sensor(1.15, noise=1.5), seed) for seed in range(3)]
    lighting = Lighting(RIG, PANORAMA)
    for i in range(30):
        found = lighting.follow(*frames[i % 3], float(i))
    assert max(found.falloff_left, found.falloff_right) < 0.03


def test_who_stands_in_one_picture_only_does_not_count():
    people = [Person(yaw, -25, 0, 2.5) for yaw in (-6.0, 1.0, 5.0)]
    left, right = pair(people)[0], pair((), Sensor(), Sensor(1.2))[1]
    found = Lighting(RIG, PANORAMA).follow(left, right, 0.0)
    assert found.log_ratio(0.3) == pytest.approx(math.log(1.2), abs=0.02)


def test_darkness_says_nothing():
    lighting = Lighting(RIG, PANORAMA)
    black = [Nv12.empty(960, 540) for _ in range(2)]
    for picture in black:
        picture.fill(16, 128, 128)
    assert lighting.follow(*black, 0.0) == Light()
    found = lighting.follow(*pair((), Sensor(), Sensor(1.2)), 0.1)
    assert found.log_ratio(0.3) == pytest.approx(math.log(1.2), abs=0.02), (
        "the first frame with light sets it"
    )
    assert lighting.follow(*black, 0.2) == found


def test_cameras_without_overlap_are_left_alone():
    rig = Rig((Camera.from_fov(64, 64, 40, yaw_deg=-30), Camera.from_fov(64, 64, 40, yaw_deg=30)))
    lighting = Lighting(rig, PANORAMA)
    assert lighting.follow(Nv12.empty(64, 64), Nv12.empty(64, 64), 0.0) == Light()


def test_the_first_frame_of_a_match_finds_everything_compiled():
    """Pictures of nothing, with which a run warms up, say nothing of light: the fit was compiled by the first frame."""
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_FRAME], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    before, after = (int(number) for number in done.stdout.split())
    assert before == after > 0


_FIRST_FRAME = """
from touchline.geometry import fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.fit_kernels import robust_fit
from touchline.panorama.lighting import Lighting
from touchline.panorama.tone import Light
from touchline.synth import SyntheticMatch

match = SyntheticMatch(5, (320, 180))
lighting = Lighting(match.rig, fit_panorama(match.rig))
print(len(robust_fit.signatures))
left, right = Nv12.empty(320, 180), Nv12.empty(320, 180)
match.draw(0, left, right)
lighting.follow(left, right, 0.0)
assert lighting.light != Light()
print(len(robust_fit.signatures))
"""
