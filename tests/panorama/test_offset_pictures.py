"""The time between two recordings from pictures: a synthetic match, its right film a fraction of a frame off."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from touchline.errors import OffsetError
from touchline.geometry import Camera, Rig, rotation_from_angles
from touchline.geometry.lens import scaled_lens
from touchline.gst.nv12 import Nv12
from touchline.panorama.offset import Estimate
from touchline.panorama.offset_overlap import Overlap, Signals, _Grid, _Sampler
from touchline.panorama.offset_pictures import offset_from_pictures
from touchline.synth import SyntheticMatch

SIZE = (480, 270)
TICKS = 500  # per second: the match is drawn at any of them
FPS = 25
FRAME_S = 1 / FPS
TENTH = 0.1 * FRAME_S


def filmed(
    match: SyntheticMatch,
    rig: Rig,
    side: int,
    start: int,
    seconds: float,
    *,
    fps: int = FPS,
    gain: float = 1.0,
) -> Signals:
    """What a camera shows from tick ``start`` of the match on; the rig is that of the comparison."""
    overlap = Overlap(rig)
    times, cells = [], []
    for frame in range(round(seconds * fps)):
        pictures = Nv12.empty(*match.size), Nv12.empty(*match.size)
        match.draw(start + frame * TICKS // fps, *pictures)
        luma = np.clip(gain * pictures[side].y, 0, 255).astype(np.uint8)
        times.append(frame / fps)
        cells.append(overlap.sample(side, luma))
    return Signals(np.array(times), np.stack(cells))


@pytest.fixture(scope="module")
def match() -> SyntheticMatch:
    return SyntheticMatch(3, SIZE, Fraction(TICKS))


@pytest.fixture(scope="module")
def left(match: SyntheticMatch) -> Signals:
    return filmed(match, match.rig, 0, 30 * TICKS, 5)


def right(match: SyntheticMatch, ticks: int, **how) -> Signals:
    return filmed(match, how.pop("rig", match.rig), 1, 30 * TICKS + ticks, how.pop("seconds", 5), **how)


def test_a_right_film_that_was_started_earlier() -> None:
    match = SyntheticMatch(5, SIZE, Fraction(TICKS))
    ticks = -222
    found = offset_from_pictures(
        filmed(match, match.rig, 0, 25 * TICKS, 5),
        filmed(match, match.rig, 1, 25 * TICKS + ticks, 5),
        Overlap(match.rig).seen,
    )
    assert abs(found.offset_s - ticks / TICKS) < TENTH
    assert found.sigma_s < TENTH


@pytest.mark.parametrize("ticks", [0, 7, 613])
def test_a_fraction_of_a_frame_and_more_than_a_second(
    match: SyntheticMatch, left: Signals, ticks: int
) -> None:
    """Positive: the right film was started later."""
    found = offset_from_pictures(left, right(match, ticks), Overlap(match.rig).seen)
    assert abs(found.offset_s - ticks / TICKS) < TENTH
    assert found.likeness > 0.8
    assert found.rival < 0.6


def test_a_darker_camera_and_another_frame_rate_do_not_matter(match: SyntheticMatch, left: Signals) -> None:
    other = right(match, 211, fps=20, gain=0.6)
    found = offset_from_pictures(left, other, Overlap(match.rig).seen)
    assert abs(found.offset_s - 211 / TICKS) < TENTH


def test_times_need_not_begin_at_zero_nor_be_even(match: SyntheticMatch, left: Signals) -> None:
    """Frames that a camera left out, and recordings whose times begin anywhere."""
    other = right(match, 100)
    kept = np.setdiff1d(np.arange(len(other.times)), [13, 14, 40, 77])
    moved = Signals(other.times[kept] + 7.3, other.cells[kept])
    late = Signals(left.times + 8.1, left.cells)
    found = offset_from_pictures(late, moved, Overlap(match.rig).seen)
    assert abs(found.offset_s - (100 / TICKS + 0.8)) < TENTH


def test_pictures_that_came_twice_or_late_are_put_in_order(left: Signals) -> None:
    order = [0, 1, 3, 2, 3, *range(4, len(left.times)), 7]
    again = Signals.in_order([float(left.times[n]) for n in order], [left.cells[n] for n in order])
    assert np.array_equal(again.times, left.times)
    assert np.array_equal(again.cells, left.cells)


def test_a_rig_that_is_a_little_off_does_not_shift_time(match: SyntheticMatch, left: Signals) -> None:
    """As one from a calibration is. A pixel here is 0.2 degrees; a player needs a frame for that."""
    camera = match.rig.right
    turned = camera.rotated(rotation_from_angles(np.radians(0.12), np.radians(0.08), 0.0) @ camera.rotation)
    off = Rig((match.rig.left, turned))
    overlap = Overlap(off)
    found = offset_from_pictures(
        filmed(match, off, 0, 30 * TICKS, 5), right(match, 33, rig=off), overlap.seen
    )
    assert abs(found.offset_s - 33 / TICKS) < TENTH


def test_out_of_reach_is_no_answer(match: SyntheticMatch, left: Signals) -> None:
    seen = Overlap(match.rig).seen
    other = right(match, 613)
    with pytest.raises(OffsetError, match=r"not found in the other within 0\.5 s"):
        offset_from_pictures(left, other, seen, reach_s=0.5)


def test_other_footage_is_no_answer(match: SyntheticMatch, left: Signals) -> None:
    with pytest.raises(OffsetError, match="not found in the other"):
        offset_from_pictures(left, right(match, 40 * TICKS), Overlap(match.rig).seen)


def test_nothing_that_moves_is_no_answer(match: SyntheticMatch, left: Signals) -> None:
    seen = Overlap(match.rig).seen
    still = Signals(left.times, np.repeat(left.cells[:1], len(left.times), axis=0))
    with pytest.raises(OffsetError, match="nothing moves"):
        offset_from_pictures(still, still, seen)
    rng = np.random.default_rng(1)
    noise = [
        Signals(still.times, still.cells + rng.normal(0, 0.5, still.cells.shape).astype("f4")) for _ in "ab"
    ]
    with pytest.raises(OffsetError, match="not found in the other"):
        offset_from_pictures(*noise, seen)
    short = Signals(left.times[:9], left.cells[:9])
    with pytest.raises(OffsetError, match="less than 1 s of pictures"):
        offset_from_pictures(short, left, seen)


def test_what_repeats_itself_is_no_answer(left: Signals, match: SyntheticMatch) -> None:
    """A lamp that flashes once a second fits every second."""
    times = np.arange(0, 10, FRAME_S)
    cells = np.repeat(left.cells[:1], len(times), axis=0).copy()
    cells[:, 20:30, 20:30] += 40 * np.exp(-0.5 * ((times % 1.0 - 0.5) / 0.06) ** 2)[:, None, None]
    with pytest.raises(OffsetError, match="elsewhere"):
        offset_from_pictures(Signals(times, cells), Signals(times, cells), Overlap(match.rig).seen)


def test_the_uncertainty_is_that_of_the_answers(match: SyntheticMatch, left: Signals) -> None:
    """With noise as strong as what moves, answers scatter, and not much more than they say."""
    seen = Overlap(match.rig).seen
    other = right(match, 50)
    rng = np.random.default_rng(7)
    found: list[Estimate] = []
    for _ in range(4):
        pair = [
            Signals(s.times, s.cells + rng.normal(0, 1.0, s.cells.shape).astype("f4")) for s in (left, other)
        ]
        found.append(offset_from_pictures(*pair, seen))
    errors = np.array([one.offset_s for one in found]) - 50 / TICKS
    assert np.abs(errors).max() < 4 * max(one.sigma_s for one in found)
    assert max(one.sigma_s for one in found) < 10 * np.abs(errors).max()


def test_cameras_that_see_nothing_in_common_are_refused() -> None:
    apart = Rig(tuple(Camera.from_fov(640, 360, 60, yaw_deg=yaw) for yaw in (-60, 60)))
    with pytest.raises(OffsetError, match="nothing in common"):
        Overlap(apart)


def test_pictures_of_another_size_are_refused(match: SyntheticMatch) -> None:
    with pytest.raises(ValueError, match="480x270"):
        Overlap(match.rig).sample(0, np.zeros((360, 640), np.uint8))


def test_both_cameras_look_at_the_same_things(match: SyntheticMatch) -> None:
    """Against the truth: without exposure and noise the cells of both are the same to a level or two."""
    plain = SyntheticMatch(3, SIZE, Fraction(TICKS), noise=False)
    overlap = Overlap(replace(match.rig))
    pictures = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    plain.draw(30 * TICKS, *pictures)
    one, two = (overlap.sample(side, picture.y)[overlap.seen] for side, picture in enumerate(pictures))
    gain = float(one @ two / (two @ two))
    assert np.median(np.abs(one - gain * two)) < 2.0
    assert np.corrcoef(one, two)[0, 1] > 0.98


@pytest.mark.parametrize("times", [3, 8])
def test_large_pictures_make_the_same_cells(match: SyntheticMatch, times: int) -> None:
    """Each pixel as a square of so many: what is shrunk first must not move."""
    grid = _Grid(np.radians(-7), np.radians(2), np.radians(0.35), 120, 40)
    pictures = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    match.draw(30 * TICKS, *pictures)
    for camera, picture in zip(match.rig.cameras, pictures, strict=True):
        large = scaled_lens(camera, (SIZE[0] * times, SIZE[1] * times))
        pixels, seen = camera.project(grid.rays(1))
        seen &= pixels.min(axis=-1) > 2
        assert np.count_nonzero(seen) > 2000
        cells = _Sampler(camera, grid)(picture.y)
        again = _Sampler(large, grid)(np.repeat(np.repeat(picture.y, times, axis=0), times, axis=1))
        apart = (cells - again)[seen]
        assert np.abs(apart).mean() < 1.0
        assert abs(float(apart.mean())) < 0.05
        down, across = np.gradient(cells)
        for slope in (down[seen], across[seen]):
            assert abs(float(apart @ slope / (slope @ slope))) < 0.05, "moved, in cells"
