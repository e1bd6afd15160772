"""Detections in pixels as directions and places, against the synthetic match's world."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks.detecting import MAST, Faults, MadeUpDetector, corners, panorama_of

from touchline.analysis.clutter import Candidates, Clutter
from touchline.analysis.detections import Detection, Detections
from touchline.analysis.sight import Sight
from touchline.analysis.tracking_settings import TrackSettings
from touchline.geometry import rays_to_angles

PANORAMA = panorama_of(1)
PERFECT = Faults(0.999, 0.999, 0.999, 0, 0, 0, 0, 0, 0, 0)


def test_feet_are_where_players_are_and_the_true_place_is_within_the_noise() -> None:
    sight = Sight(PANORAMA, corners(), MAST, TrackSettings())
    truth, detections = next(iter(MadeUpDetector(1, PANORAMA, PERFECT).run(1)))
    seen = sight.players(detections)
    assert len(seen.places) == 23
    for place, noise in zip(seen.places, seen.noise, strict=True):
        off = truth.persons - place
        far = np.einsum("ni,ij,nj->n", off, np.linalg.inv(noise), off)
        assert far.min() < 12
    # Far away a pixel of height is metres of depth, and a little to the side.
    furthest = int(np.argmax(seen.places[:, 1]))
    assert seen.noise[furthest, 1, 1] > 4 * seen.noise[furthest, 0, 0]


def test_who_stands_at_the_horizon_or_far_beside_the_field_is_left_out() -> None:
    sight = Sight(PANORAMA, corners(), MAST, TrackSettings())
    _, horizon = PANORAMA.angles_to_pixels(0.0, 0.0)
    x, y = PANORAMA.angles_to_pixels(*rays_to_angles(MAST.rays((0.0, 52.0))))
    found = [
        Detection(float(x) - 2, float(foot) - 9, float(x) + 2, float(foot), "player", 0.9)
        for foot in (horizon, y)
    ]
    assert len(sight.players(Detections(0, tuple(found))).places) == 0


def test_candidates_are_the_likeliest_ones_and_say_how_far_beside_they_are() -> None:
    sight = Sight(PANORAMA, corners(), MAST, TrackSettings(most_candidates=2))
    found = []
    for (x, y), sure in (((0.0, 0.0), 0.3), ((0.0, 44.0), 0.9), ((5.0, 5.0), 0.5)):
        yaw, pitch = rays_to_angles(MAST.rays((x, y)))
        u, v = (float(n) + 0.5 for n in PANORAMA.angles_to_pixels(yaw, pitch))
        found.append(Detection(u - 1, v - 1, u + 1, v + 1, "ball", sure))
    seen = sight.balls(Detections(0, tuple(found)))
    assert len(seen.at) == 2
    assert seen.beside_m[1] == 0
    assert seen.beside_m[0] == pytest.approx(
        1.0, abs=0.7
    )  # ten metres behind the line, seen at a grazing angle
    assert seen.logit[0] == pytest.approx(math.log(9))


def test_the_field_takes_its_share_of_the_panorama() -> None:
    with_field = Sight(PANORAMA, corners(), MAST, TrackSettings()).area()
    without = Sight(PANORAMA, None, None, TrackSettings()).area()
    assert 0.1 * without < with_field < 0.8 * without


def candidates(at: list[tuple[float, float]]) -> Candidates:
    count = len(at)
    places = np.array(at, dtype=np.float64).reshape(-1, 2)
    return Candidates(
        places,
        np.full(count, 0.1),
        np.zeros(count),
        np.full(count, -1),
        np.zeros(count),
        np.zeros((count, 2)),
    )


def test_what_keeps_coming_at_one_place_is_clutter_there_and_what_passes_is_not() -> None:
    clutter = Clutter(1000.0, 40.0)
    for k in range(100):
        clutter.learn(candidates([(10.0, -8.0), (-40 + 0.8 * k, -12.0)]), 0, 0.1)
    asked = candidates([(10.0, -8.0), (-40 + 0.8 * 80, -12.0), (-20.0, -20.0)])
    expected = clutter.expect(asked)
    assert expected.often[0] > 0.8
    assert expected.often[1:].max() == 0
    assert expected.density[0] > 100 * expected.density[1]
    assert clutter.still_at(asked.at)[0] > 0.8
    for _ in range(3000):
        clutter.learn(candidates([]), 0, 0.1)
    assert clutter.still_at(asked.at).max() == 0


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("player_sure", 1.2, "0 .. 1"),
        ("ball_seen", 1.0, "below 1"),
        ("lose", -1.0, "zero or above"),
        ("keep_s", 0.0, "above zero"),
        ("kick_mps", math.inf, "finite"),
    ],
)
def test_rules_that_make_no_sense_are_refused(name: str, value: float, word: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*{word}"):
        TrackSettings(**{name: value})
