"""The bundle adjustment of points and lines, and whether it knows how well it knows."""

from __future__ import annotations

import numpy as np
import pytest
from pitch_lines import FIELD, SIZES, seen_points, seen_strokes, true_stand

from touchline.panorama.calibrate_adjust import UNKNOWNS, Adjusted, Stand, Strokes, adjust, moved, plane_basis
from touchline.panorama.calibrate_certainty import apart_deg, certainty, overlap_places
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_square import ALONG
from touchline.panorama.lenses import AUTO, lens_preset


def near(stand: Stand, rng: np.random.Generator) -> Stand:
    """A start that is as far off as the points alone leave it."""
    scale = np.array([0.01] * 6 + [0.02, 0] + [0.02, 0.002, 0.002, 0.02, 0.01, 0, 0, 0] * 2)
    return moved(stand, rng.normal(0, scale), SIZES)


def facts(stand: Stand) -> np.ndarray:
    """Fields of view, angle between the cameras, pitch and roll of both, degrees."""
    left, right = stand.rig(SIZES).cameras
    angles = (left.pitch_deg, right.pitch_deg, left.roll_deg, right.roll_deg)
    return np.array([left.horizontal_fov_deg, right.horizontal_fov_deg, apart_deg(stand), *angles])


def sigmas(found: Adjusted) -> np.ndarray:
    known = certainty(found, SIZES)
    return np.array([*known.fov_deg, known.apart_deg, *known.pitch_deg, *known.roll_deg])


def settled(start: Stand, points: Matches, lines: Strokes) -> Adjusted:
    """Two adjustments: the first one's start is too far off to tell how much noise there is."""
    return adjust(adjust(start, points, lines, SIZES, AUTO).stand, points, lines, SIZES, AUTO)


@pytest.mark.parametrize("model", ["brown", "fisheye"])
def test_points_and_lines_find_everything(model):
    """Field of view, angle, pitch and roll, from a start that is degrees off."""
    rng = np.random.default_rng(3)
    true = true_stand(model)
    found = settled(near(true, rng), seen_points(true, 150, 0.2, rng), seen_strokes(true, 0.05, rng))
    assert facts(found.stand)[:2] == pytest.approx(facts(true)[:2], rel=0.005)
    assert facts(found.stand)[2:] == pytest.approx(facts(true)[2:], abs=0.1)
    assert found.point_sigma < 3
    left = found.stand.rig(SIZES).cameras
    assert left[0].yaw_deg == pytest.approx(-left[1].yaw_deg, abs=0.01), "yaw 0 is in the middle"


def test_errors_are_as_large_as_it_says():
    """Monte Carlo: over draws of noise the true errors are spread as the stated deviations, three of them at most."""
    true = true_stand()
    pulls = []
    for draw in range(8):
        rng = np.random.default_rng(draw)
        points, lines = seen_points(true, 80, 0.3, rng), seen_strokes(true, 0.3, rng)
        found = adjust(true, points, lines, SIZES, AUTO)
        pulls.append((facts(found.stand) - facts(true)) / sigmas(found))
    assert np.abs(pulls).max() < 4.0
    assert np.mean(np.abs(pulls) < 3.0) > 0.97
    assert 0.5 < np.sqrt(np.mean(np.square(pulls))) < 1.5


def test_the_overlap_is_as_certain_as_it_says():
    true = true_stand()
    places = overlap_places(true, SIZES)
    assert len(places) > 40
    want = true.lenses[1].pixels(true.lenses[0].rays(places) @ true.between.T)
    ratios = []
    for draw in range(4):
        rng = np.random.default_rng(100 + draw)
        points = seen_points(true, 80, 0.4, rng)
        found = adjust(true, points, seen_strokes(true, 0.3, rng), SIZES, AUTO)
        stand = found.stand
        got = stand.lenses[1].pixels(stand.lenses[0].rays(places) @ stand.between.T)
        real = np.sqrt(np.median(np.sum((got - want) ** 2, axis=1)))
        ratios.append(real / certainty(found, SIZES).overlap_px)
    assert 0.4 < np.mean(ratios) < 1.6
    assert max(ratios) < 3


def test_without_lines_it_says_that_it_does_not_know():
    """Points of the overlap alone: where down is rests on what is likely of masts, and the deviations say so."""
    rng = np.random.default_rng(5)
    true = true_stand()
    points = seen_points(true, 150, 0.2, rng)
    alone = settled(near(true, rng), points, Strokes.none())
    lined = settled(near(true, rng), points, seen_strokes(true, 0.05, rng))
    assert (sigmas(alone)[:2] > 3 * sigmas(lined)[:2]).all()
    assert (sigmas(alone)[3:] > 0.3).all()
    assert (sigmas(lined)[3:] < 0.1).all()
    assert (np.abs(facts(alone.stand) - facts(true)) < 3.5 * sigmas(alone)).all()


def test_a_preset_makes_the_lens_more_certain():
    rng = np.random.default_rng(6)
    true = true_stand()
    points = seen_points(true, 40, 0.5, rng)
    free = adjust(true, points, Strokes.none(), SIZES, AUTO)
    told = adjust(true, points, Strokes.none(), SIZES, lens_preset("security-2.8mm"))
    assert (sigmas(told)[:2] < sigmas(free)[:2]).all()


def test_lines_of_one_direction_level_what_they_can():
    """Only lines that run sideways: their vanishing point says how the rig is rolled, not how it is tilted."""
    rng = np.random.default_rng(7)
    true = true_stand()
    sideways = tuple(line for line in FIELD if line.axis == ALONG)
    found = adjust(
        true, seen_points(true, 150, 0.2, rng), seen_strokes(true, 0.2, rng, sideways), SIZES, AUTO
    )
    assert (np.abs(facts(found.stand) - facts(true)) < 3.5 * sigmas(found)).all()


def test_exact_lines_leave_nothing_over():
    true = true_stand(heading=-0.3)
    strokes = seen_strokes(true, 0.0, np.random.default_rng(0))
    rays = np.vstack(
        [lens.rays(p) @ turn for lens, p, turn in zip(true.lenses, strokes.points, true.turns, strict=True)]
    )
    assert np.abs(strokes.residuals(rays, true.axes)).max() < 0.01
    turned = moved(true, np.eye(UNKNOWNS)[0] * 0.01, SIZES)
    assert np.abs(strokes.residuals(rays, turned.axes)).max() < 0.01, "the axes are the rig's, not a camera's"


def test_plane_bases_are_at_right_angles():
    for skew in (0.0, 0.02):
        axes = Stand(true_stand().lenses, true_stand().turns, 0.7, skew).axes
        one, two = plane_basis(axes)
        for basis in (one, two):
            assert np.allclose(np.sum(basis * axes, axis=1), 0, atol=1e-12)
            assert np.allclose(np.linalg.norm(basis, axis=1), 1)
        assert np.allclose(np.sum(one * two, axis=1), 0, atol=1e-12)
