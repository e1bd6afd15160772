"""What moves outside the field is not seen, and no tile is spent on it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from touchline.analysis import MotionDetector, MotionLog
from touchline.director import FollowDirector
from touchline.geometry import FieldOutline, Panorama, ViewLimits, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.synth import SyntheticMatch
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, world_to_rig

PERIOD_NS = 100_000_000
PANORAMA = Panorama(
    "equirectangular", 1280, 320, math.radians(-80), math.radians(80), math.radians(-32), math.radians(8)
)
CORNERS = [(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1))]


def field() -> FieldOutline:
    yaw, pitch = rays_to_angles(world_to_rig(np.array(CORNERS)))
    return FieldOutline(tuple(zip(np.degrees(yaw).tolist(), np.degrees(pitch).tolist(), strict=True)))


def wave(luma: np.ndarray[Any, Any], panorama: Panorama, index: int) -> None:
    """Spectators who jump in front of the near touchline's right half, and a flag that waves at the far side."""
    x, y = (round(float(n)) for n in panorama.angles_to_pixels(math.radians(62), math.radians(0)))
    reach = 18 + 16 * (index % 2)
    luma[max(0, y - 14) : y + 6, x - reach : x + reach] = 235
    for seat in range(8):
        x, y = (
            round(float(n)) for n in panorama.angles_to_pixels(math.radians(48 + 3 * seat), math.radians(3))
        )
        up = 10 * ((index + seat) % 3)
        luma[max(0, y - 12 - up) : max(0, y - up), x - 5 : x + 6] = 30


@pytest.mark.slow
def test_flags_and_spectators_do_not_move_the_camera() -> None:
    """Without the field they do: the test would be none otherwise."""
    match = SyntheticMatch(1, (640, 360))
    panorama = fit_panorama(match.rig)
    limits = ViewLimits(panorama, 16 / 9)
    shown = {}
    for name, waved, outline in (
        ("calm", False, None),
        ("fooled", True, None),
        ("field", True, field()),
    ):
        detector, log = MotionDetector(panorama, field=outline), MotionLog()
        for index in range(90):
            luma = match.panorama(index * 3, panorama).y.copy()
            if waved and index > 20:
                wave(luma, panorama, index)
            log.append(detector.observe(luma, index * PERIOD_NS))
        director = FollowDirector(log, limits, horizon_s=4, field=outline)
        shown[name] = np.array([director.view(i * PERIOD_NS).yaw_deg for i in range(80)])
    off = {name: float(np.abs(shown[name] - shown["calm"])[35:].mean()) for name in ("fooled", "field")}
    assert off["fooled"] > 8
    assert off["field"] < 1.5


def test_nothing_that_moves_on_the_field_is_lost() -> None:
    match = SyntheticMatch(2, (640, 360))
    panorama = fit_panorama(match.rig)
    detectors = MotionDetector(panorama), MotionDetector(panorama, field=field())
    found: list[list[Any]] = [[], []]
    for index in range(40):
        luma = match.panorama(index * 3, panorama).y
        for detector, motions in zip(detectors, found, strict=True):
            motions.append(detector.observe(luma, index * PERIOD_NS))
    amounts = [np.array([motion.amount for motion in motions[10:]]) for motions in found]
    assert (amounts[1] >= 0.9 * amounts[0]).all()
    yaws = [np.array([motion.yaw_deg for motion in motions[10:]]) for motions in found]
    assert np.abs(yaws[1] - yaws[0]).max() < 1.0


def test_the_camera_stays_on_the_field() -> None:
    """Whatever the log says: here that all the movement is in the sky at the right."""
    from touchline.analysis import Motion

    outline, limits, log = field(), ViewLimits(PANORAMA, 16 / 9), MotionLog()
    for index in range(100):
        log.append(Motion(index * PERIOD_NS, 70.0, 4.0, 5.0, 0.01))
    free, bound = (FollowDirector(log, limits, horizon_s=5, field=one) for one in (None, outline))
    for director in (free, bound):
        views = [director.view(index * PERIOD_NS) for index in range(80)]
    last = bound.view(79 * PERIOD_NS)
    assert free.view(79 * PERIOD_NS).pitch_deg > last.pitch_deg + 3
    for view in views:
        off = outline.keep(view.yaw_deg, view.pitch_deg, 1.0 + 1e-6)
        assert off == (view.yaw_deg, view.pitch_deg)


def test_a_picture_of_another_size_keeps_its_mask() -> None:
    """The reduced picture is what is masked, whatever it was reduced by."""
    small = MotionDetector(PANORAMA, 200, field=field())
    picture = Nv12.empty(PANORAMA.width, PANORAMA.height)
    picture.fill(80, 128, 128)
    for index in range(30):
        luma = picture.y.copy()
        x = 900 + 6 * index
        luma[20:60, x : x + 24] = 220  # in the sky
        motion = small.observe(luma, index * PERIOD_NS)
        assert motion.amount == 0
